"""Documents of stored sequences whose steps are in a random order, and where each row went."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.special_tokens import special_tokens_around
from sparsetime.errors import DataError

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence


def input_documents(
    sequences: list[StoredSequence], documents: dict[str, Document], tokenizer: Any
) -> list[tuple[Document, int, int]]:
    """What the model was given of each sequence, with the special tokens before and after it.

    Texts become the tokens that the store keeps, so that tokens can change places. documents: of
    the sequences that are no texts, by id.

    Errors: DataError for a sequence without its document.
    """
    around: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    found = []
    for sequence in sequences:
        if sequence.text is None:
            if sequence.id not in documents:
                raise DataError(
                    f"got data without {sequence.id!r}, a sequence of the store, expected what the "
                    "store was captured from"
                )
            found.append((replace(documents[sequence.id], **_UNLABELLED), 0, 0))
            continue
        if around is None:
            special = special_tokens_around(tokenizer)
            around = special.before, special.after
        before, after = around
        own = torch.from_numpy(sequence.steps["token"].to_numpy().astype("int64"))
        tokens = torch.cat([torch.tensor(before).long(), own, torch.tensor(after).long()])
        found.append((Document(sequence.id, tokens=tokens), len(before), len(after)))
    return found


_UNLABELLED: dict[str, Any] = {"labels": {}, "step_labels": {}, "spans": {}, "events": ()}


def shuffled_document(
    document: Document, around: tuple[int, int], rows: int, block: int, draw: np.random.Generator
) -> tuple[Document, Int[np.ndarray, " rows"]]:
    """The document with blocks of its steps in a random order, and the old place of every row.

    around: special tokens before and after, which stay. rows: that the site gives of it, each of
    the same number of steps. block: rows that stay together. What no whole block holds, at the
    end, stays where it is.

    Errors: DataError where the site gives more rows than there are steps.
    """
    before, after = around
    steps = len(document) - before - after
    of_row = round(steps / rows) if rows else 0
    if of_row < 1:
        raise DataError(
            f"got {rows} rows of the {steps} steps of {document.id!r}, expected at most one row a "
            "step, since steps change places; choose a site with a row for each step or patch"
        )
    count = min(steps // (of_row * block), rows // block)
    order = draw.permutation(count)
    moved = before + _places(order, of_row * block, steps)
    ends = np.arange(before), np.arange(before + steps, before + steps + after)
    chosen = torch.from_numpy(np.concatenate([ends[0], moved, ends[1]]))
    content = getattr(document, document.kind)[chosen]
    return replace(document, **{document.kind: content}), _places(order, block, rows)


def _places(order: Int[np.ndarray, " blocks"], size: int, total: int) -> Int[np.ndarray, " total"]:
    """Where each place's content was before blocks of `size` places changed places."""
    moved = (order[:, None] * size + np.arange(size)).reshape(-1)
    return np.concatenate([moved, np.arange(len(moved), total)])
