"""Tokenisation: documents to model inputs, with the stored columns of every step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from sparsetime.activations.capture.document import Document, Kind
from sparsetime.activations.capture.padding import Padding, left_out_tokens
from sparsetime.activations.capture.recording import Recording, check_recordings_agree
from sparsetime.activations.capture.step_labels import as_list, span_column, step_column, type_name
from sparsetime.activations.store.input_columns import ROW_COLUMNS, ROW_DURATION, ROW_START
from sparsetime.errors import DataError, MismatchError
from sparsetime.models.load import LoadedModel, vocabulary_size

if TYPE_CHECKING:
    from sparsetime.activations.capture.timed_rows import WindowRows

RESERVED = ("sequence", "position", "token", "char_start", "char_end", "stored", *ROW_COLUMNS)
# Upper bounds of one tokenizer call, so that memory stays bounded for endless data.
_DOCUMENTS_A_CALL = 64
_CHARACTERS_A_CALL = 1 << 20


class RowTimes(NamedTuple):
    """When the rows of a document are: the first, and the mean distance from one to the next."""

    start: float
    step: float
    unit: str | None = None


@final
@dataclass(frozen=True, eq=False)
class PreparedDocument:
    """A document as model inputs.

    inputs: tokens [time] or values [time, features], without the special tokens around a
    window. kept: int64, the inputs whose activations are stored, ascending. columns: one row per
    kept input, `position` (0, 1, …) first. number: of the document among all that were prepared,
    also those without steps. times, window_rows: of the rows, where they are not
    the steps of the input; `kept` and `columns` then have an entry for each of those rows.
    """

    document: Document
    inputs: Tensor
    kept: np.ndarray[Any, np.dtype[np.int64]]
    columns: pa.Table
    number: int = 0
    times: RowTimes | None = None
    window_rows: tuple[WindowRows, ...] | None = None

    @property
    def row_times(self) -> RowTimes:
        """When its rows are, in its unit."""
        document = self.document
        return self.times or RowTimes(document.start, document.step)

    @property
    def unit(self) -> str:
        """The unit of time of its rows."""
        return self.row_times.unit or self.document.unit

    @property
    def length(self) -> int:
        """Number of stored rows."""
        return len(self.kept)


@final
class DocumentPreparer:
    """Converts documents to model inputs, all of one kind and with the columns of the first."""

    def __init__(
        self, loaded: LoadedModel, first: tuple[str, Recording | None] | None = None
    ) -> None:
        self._tokenizer: Any = loaded.tokenizer
        self._vocabulary = vocabulary_size(loaded.model)
        self._model_name = loaded.name
        self._left_out = left_out_tokens(loaded.tokenizer)
        self._padding = Padding(loaded)
        self.padded_before: bool | None = None
        self._kind: Kind | None = None
        self._unit: tuple[str, str] | None = None
        self._shape: list[int] | None = None
        self._recording = first
        self._timed: bool | None = None
        self.rate_is_given = False
        self._schema: pa.Schema | None = None
        self.empty: list[str] = []

    def check(self, document: Document) -> None:
        """Check all properties that need no tokenising. Errors: DataError, MismatchError."""
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
                    f"that stores have; call it otherwise"
                )
        timed = self._timed = document.times is not None if self._timed is None else self._timed
        if timed != (document.times is not None):
            raise MismatchError(
                f"the document {name!r} has {'no times' if timed else 'times'} of its steps, those "
                f"before it have {'them' if timed else 'none'}; give times for all or for none"
            )
        first, recording = self._recording = self._recording or (name, document.recording)
        check_recordings_agree(name, document.recording, first, recording, self.rate_is_given)
        if kind == "tokens":
            self._check_range(document)
        if kind == "values":
            shape = list(document.values.shape[1:])
            self._shape = self._shape or shape
            if shape != self._shape:
                raise MismatchError(
                    f"the document {name!r} has {_features(shape)}, those before it have "
                    f"{_features(self._shape)}; all documents of a capture have the same"
                )

    def is_padded_before(self, documents: list[Document]) -> bool | None:
        """Whether token arrays are padded on the left; see `Padding.is_before`."""
        if self._kind != "tokens":
            return None
        return self._padding.is_before([document.tokens for document in documents])

    def prepare(self, documents: Iterable[Document]) -> Iterator[PreparedDocument]:
        """The inputs of every document; those without steps are left out and listed in `empty`."""
        before = 0
        for group in _groups(documents):
            for document in group:
                self.check(document)
            from_texts = self._kind == "text"
            inputs = self._from_texts(group) if from_texts else map(self._from_array, group)
            for number, prepared in enumerate(inputs, before):
                if prepared.length:
                    yield replace(prepared, number=number)
                else:
                    self.empty.append(prepared.document.id)
            before += len(group)

    def _from_texts(self, group: list[Document]) -> Iterator[PreparedDocument]:
        encoding = self._tokenizer(
            [document.text for document in group],
            add_special_tokens=False,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,  # windows are cut later, so a long document needs no warning
        )
        for document, ids, offsets in zip(
            group, encoding["input_ids"], encoding["offset_mapping"], strict=True
        ):
            tokens = np.asarray(ids, dtype=np.int64)
            characters = np.asarray(offsets, dtype=np.int32).reshape(-1, 2)
            columns = {
                "token": pa.array(tokens.astype(np.int32)),
                "char_start": pa.array(np.ascontiguousarray(characters[:, 0])),
                "char_end": pa.array(np.ascontiguousarray(characters[:, 1])),
            }
            for name, spans in document.spans.items():
                columns[name] = span_column(document, name, spans, characters[:, 0])
            kept = np.arange(len(tokens))
            yield self._prepared(document, torch.from_numpy(tokens), kept, columns)

    def _from_array(self, document: Document) -> PreparedDocument:
        if document.kind == "values":
            inputs = document.values
            return self._prepared(document, inputs, np.arange(len(inputs)), {})
        start, stop = self._padding.ends(document, self.padded_before)
        inputs = document.tokens.long()[start:stop]
        tokens = inputs.cpu().numpy()
        kept = np.flatnonzero(~np.isin(tokens, self._left_out))
        token = pa.array(tokens[kept].astype(np.int32))
        return self._prepared(document, inputs, kept, {"token": token}, start)

    def _prepared(
        self,
        document: Document,
        inputs: Tensor,
        kept: np.ndarray[Any, np.dtype[np.int64]],
        columns: dict[str, pa.Array],
        first: int = 0,
    ) -> PreparedDocument:
        """first: the step of the document at which the inputs begin, behind its padding."""
        steps = len(inputs) if document.kind == "text" else len(document)
        for name, values in document.step_labels.items():
            if len(values) != steps:
                raise DataError(
                    f"the step label {name!r} of the document {document.id!r} has {len(values)} "
                    f"values for {steps} steps; give one for each"
                )
            column = step_column(document, name, as_list(values))
            columns[name] = column.take(pa.array(kept + first))
        if document.times is not None:
            begins = document.times[kept + first]
            ends = document.time_of((kept + first + 1).astype(np.float64))
            columns |= {ROW_START: pa.array(begins), ROW_DURATION: pa.array(ends - begins)}
        position = pa.array(np.arange(len(kept), dtype=np.int32))
        table = self._with_first_schema(document, pa.table({"position": position, **columns}))
        return PreparedDocument(document, inputs, kept, table)

    def _with_first_schema(self, document: Document, table: pa.Table) -> pa.Table:
        if self._schema is None:
            self._schema = table.schema
        extra = sorted(set(table.column_names) - set(self._schema.names))
        if extra:
            raise MismatchError(
                f"the document {document.id!r} has the step label {extra[0]!r}, which the first "
                f"document lacks; name it there too, with an empty list of spans or with nulls"
            )
        columns = []
        for expected in self._schema:
            if expected.name not in table.column_names:
                columns.append(pa.nulls(table.num_rows, expected.type))
                continue
            column = table[expected.name]
            if column.type != expected.type:
                if column.null_count < len(column):
                    raise MismatchError(
                        f"the step label {expected.name!r} is {type_name(column.type)} in the "
                        f"document {document.id!r} and {type_name(expected.type)} in the first; "
                        "use one type"
                    )
                column = pa.nulls(len(column), expected.type)
            columns.append(column)
        return pa.table(columns, schema=self._schema)

    def _check_tokenizer(self) -> None:
        if self._tokenizer is None:
            raise DataError(
                f"the data is text, and the model {self._model_name!r} came without a tokenizer; "
                "give tokenizer=…, or token arrays, which FASTA files give with alphabet= (on the "
                "command line --set read.alphabet=ACD…)"
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


def _features(shape: list[int]) -> str:
    return f"{shape[0]} features" if len(shape) == 1 else f"steps of shape {shape}"


def _groups(documents: Iterable[Document]) -> Iterator[list[Document]]:
    group: list[Document] = []
    size = 0
    for document in documents:
        group.append(document)
        size += len(document)
        full = len(group) == _DOCUMENTS_A_CALL or size >= _CHARACTERS_A_CALL
        if full or document.kind != "text":  # only tokenizers are faster on many documents at once
            yield group
            group, size = [], 0
    if group:
        yield group
