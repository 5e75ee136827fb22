"""From a document to the steps that a model takes, each with its columns in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from sparsetime.activations.capture.document import Document, Kind
from sparsetime.activations.capture.step_labels import plain, span_column, step_column, type_name
from sparsetime.errors import DataError, MismatchError
from sparsetime.models.load import LoadedModel, vocabulary_size

RESERVED = ("sequence", "position", "token", "char_start", "char_end")
# One call of the tokenizer takes this much, so that memory stays bounded for endless data.
_DOCUMENTS_A_CALL = 64
_CHARACTERS_A_CALL = 1 << 20


@final
@dataclass(frozen=True, eq=False)
class PreparedDocument:
    """A document as the model takes it.

    inputs: tokens [time] or values [time, features], without the special tokens that frame a
    window. kept: int64, the inputs whose activations are stored, ascending. columns: a row for
    each kept input, `position` (0, 1, …) first.
    """

    document: Document
    inputs: Tensor
    kept: np.ndarray[Any, np.dtype[np.int64]]
    columns: pa.Table

    @property
    def length(self) -> int:
        """Rows that this document has in the store."""
        return len(self.kept)


@final
class DocumentPreparer:
    """Turns documents into steps, all of one kind and with the columns of the first."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._tokenizer: Any = loaded.tokenizer
        self._vocabulary = vocabulary_size(loaded.model)
        self._model_name = loaded.name
        self._left_out = _left_out(loaded.tokenizer)
        self._kind: Kind | None = None
        self._unit: tuple[str, str] | None = None
        self._width: int | None = None
        self._schema: pa.Schema | None = None
        self.empty: list[str] = []

    def check(self, document: Document) -> None:
        """What can be told without tokenising. Errors: DataError, MismatchError."""
        kind, name = document.kind, document.id
        if self._kind is None:
            self._kind = kind
            if kind == "text":
                self._check_tokenizer()
        if kind != self._kind:
            raise MismatchError(
                f"the document {name!r} is {kind}, those before it are {self._kind}; one capture "
                f"takes one kind of document"
            )
        first, unit = self._unit = self._unit or (name, document.unit)
        if document.unit != unit:
            raise MismatchError(
                f"the document {name!r} counts its time in the unit {document.unit!r}, the first "
                f"one, {first!r}, in {unit!r}; all documents of a capture have the same"
            )
        for label in (*document.step_labels, *document.spans):
            if label in RESERVED:
                raise DataError(
                    f"the step label {label!r} of the document {name!r} has the name of a column "
                    f"that every store has; call it otherwise"
                )
        if kind == "tokens":
            self._check_range(document)
        if kind == "values":
            width = document.values.shape[1]
            self._width = self._width or width
            if width != self._width:
                raise MismatchError(
                    f"the document {name!r} has {width} features, those before it have "
                    f"{self._width}; all documents of a capture have the same"
                )

    def steps(self, documents: Iterable[Document]) -> Iterator[PreparedDocument]:
        """The steps of every document; those without any are left out and named in `empty`."""
        for group in _groups(documents):
            for document in group:
                self.check(document)
            made = self._from_texts(group) if self._kind == "text" else map(self._from_array, group)
            for steps in made:
                if steps.length:
                    yield steps
                else:
                    self.empty.append(steps.document.id)

    def _from_texts(self, group: list[Document]) -> Iterator[PreparedDocument]:
        found = self._tokenizer(
            [document.text for document in group],
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # windows are cut later: a long document is no reason to warn
        )
        for document, ids, offsets in zip(
            group, found["input_ids"], found["offset_mapping"], strict=True
        ):
            tokens = np.asarray(ids, dtype=np.int64)
            at = np.asarray(offsets, dtype=np.int32).reshape(-1, 2)
            columns = {
                "token": pa.array(tokens.astype(np.int32)),
                "char_start": pa.array(np.ascontiguousarray(at[:, 0])),
                "char_end": pa.array(np.ascontiguousarray(at[:, 1])),
            }
            for name, spans in document.spans.items():
                columns[name] = span_column(document, name, spans, at[:, 0])
            kept = np.arange(len(tokens))
            yield self._steps(document, torch.from_numpy(tokens), kept, columns)

    def _from_array(self, document: Document) -> PreparedDocument:
        if document.kind == "values":
            inputs = document.values
            return self._steps(document, inputs, np.arange(len(inputs)), {})
        inputs = document.tokens.long()
        kept = np.flatnonzero(~np.isin(inputs.cpu().numpy(), self._left_out))
        token = pa.array(inputs.cpu().numpy()[kept].astype(np.int32))
        return self._steps(document, inputs, kept, {"token": token})

    def _steps(
        self,
        document: Document,
        inputs: Tensor,
        kept: np.ndarray[Any, np.dtype[np.int64]],
        columns: dict[str, pa.Array],
    ) -> PreparedDocument:
        for name, values in document.step_labels.items():
            if len(values) != len(inputs):
                raise DataError(
                    f"the step label {name!r} of the document {document.id!r} has {len(values)} "
                    f"values for {len(inputs)} steps; give one for each"
                )
            columns[name] = step_column(document, name, plain(values)).take(pa.array(kept))
        position = pa.array(np.arange(len(kept), dtype=np.int32))
        table = self._as_the_first(document, pa.table({"position": position, **columns}))
        return PreparedDocument(document, inputs, kept, table)

    def _as_the_first(self, document: Document, table: pa.Table) -> pa.Table:
        if self._schema is None:
            self._schema = table.schema
        extra = sorted(set(table.column_names) - set(self._schema.names))
        if extra:
            raise MismatchError(
                f"the document {document.id!r} has the step label {extra[0]!r}, which the first "
                f"document lacks; name it there too, with an empty list of spans or with nulls"
            )
        columns = []
        for wanted in self._schema:
            if wanted.name not in table.column_names:
                columns.append(pa.nulls(table.num_rows, wanted.type))
                continue
            column = table[wanted.name]
            if column.type != wanted.type:
                if column.null_count < len(column):
                    raise MismatchError(
                        f"the step label {wanted.name!r} is {type_name(column.type)} in the "
                        f"document {document.id!r} and {type_name(wanted.type)} in the first; use "
                        f"one type"
                    )
                column = pa.nulls(len(column), wanted.type)
            columns.append(column)
        return pa.table(columns, schema=self._schema)

    def _check_tokenizer(self) -> None:
        if self._tokenizer is None:
            raise DataError(
                f"the data is text, and the model {self._model_name!r} came without a tokenizer; "
                f"give tokenizer=…, or give token arrays"
            )
        if not getattr(self._tokenizer, "is_fast", False):
            raise DataError(
                f"the tokenizer {type(self._tokenizer).__name__} cannot say where its tokens "
                f"stand in the text; use a fast tokenizer, or give token arrays"
            )

    def _check_range(self, document: Document) -> None:
        tokens = document.tokens
        if not len(tokens):
            return
        bad = tokens < 0
        if self._vocabulary is not None:
            bad |= tokens >= self._vocabulary
        if bool(bad.any()):
            at = int(bad.nonzero()[0, 0])
            limit = "" if self._vocabulary is None else f" to {self._vocabulary - 1}"
            raise DataError(
                f"token {int(tokens[at])} at position {at} of the document {document.id!r} is out "
                f"of range: the model {self._model_name!r} knows tokens from 0{limit}"
            )


def _groups(documents: Iterable[Document]) -> Iterator[list[Document]]:
    group: list[Document] = []
    size = 0
    for document in documents:
        group.append(document)
        size += len(document)
        full = len(group) == _DOCUMENTS_A_CALL or size >= _CHARACTERS_A_CALL
        if full or document.kind != "text":  # only a tokenizer gains from many at once
            yield group
            group, size = [], 0
    if group:
        yield group


def _left_out(tokenizer: Any) -> list[int]:
    """Special tokens that stand for no content; an unknown word or a blank to fill in does.

    A token that is unknown word and frame or padding in one, as in GPT-2, counts as the latter.
    """
    if tokenizer is None:
        return []
    roles = ("bos", "eos", "pad", "cls", "sep")
    frames = {getattr(tokenizer, f"{role}_token_id", None) for role in roles}
    content = {tokenizer.unk_token_id, tokenizer.mask_token_id} - frames
    return sorted(set(tokenizer.all_special_ids) - content)
