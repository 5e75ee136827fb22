"""Segments that samples are drawn from: unbroken runs of the steps that are not left out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Int

from sparsetime.activations.step_exclusion import StepExclusion, runs_of
from sparsetime.errors import DataError
from sparsetime.segments import Segments

if TYPE_CHECKING:
    from sparsetime.activations.sources.source import RowReader
    from sparsetime.activations.store.store import Store


def kept_segments(
    reader: RowReader,
    segments: Segments,
    first_rows: Int[np.ndarray, " sequences"],
    exclusion: StepExclusion,
) -> tuple[Segments, Int[np.ndarray, " kept"]]:
    """The unbroken runs of steps that are kept, as segments, and the reader's first row of each.

    Errors: DataError where no step is left.
    """
    kept = _kept_rows(reader, segments, first_rows, exclusion)
    return unbroken_segments(kept, segments, first_rows, exclusion)


def kept_rows_of(store: Store) -> Bool[np.ndarray, " rows"] | None:
    """The rows of a store's view that are stored and not left out; None where all are."""
    stored = store.stored_steps
    if not store.exclusion:
        return stored
    tokens = store.steps(["token"])["token"].to_numpy() if store.exclusion.tokens else None
    kept = _kept_rows(store.reader, store.segments, store.first_rows, store.exclusion, tokens)
    return kept if stored is None else kept & stored


def kept_segments_of(store: Store) -> tuple[Segments, Int[np.ndarray, " kept"]]:
    """Segments that the samples of a store's view are drawn from; see `kept_segments`."""
    kept = kept_rows_of(store)
    if kept is None:
        return store.segments, store.first_rows
    return unbroken_segments(kept, store.segments, store.first_rows, store.excluded)


def unbroken_segments(
    kept: Bool[np.ndarray, " rows"],
    segments: Segments,
    first_rows: Int[np.ndarray, " sequences"],
    exclusion: StepExclusion,
) -> tuple[Segments, Int[np.ndarray, " kept"]]:
    """The unbroken runs of kept rows within each segment, and the reader's first row of each.

    Errors: DataError where no row is kept, which names the exclusion.
    """
    lengths, firsts = [], []
    for number, (start, stop) in enumerate(pairwise(segments.offsets.tolist())):
        for begin, end in runs_of(kept[start:stop]):
            firsts.append(first_rows[number] + begin)
            lengths.append(end - begin)
    if not lengths:
        raise DataError(
            f"no step is left of {segments.rows:,} with {exclusion}; leave out fewer steps"
        )
    return Segments.of_lengths(lengths), np.array(firsts, dtype=np.int64)


def _kept_rows(
    reader: RowReader,
    segments: Segments,
    first_rows: Int[np.ndarray, " sequences"],
    exclusion: StepExclusion,
    tokens: Int[np.ndarray, " rows"] | None = None,
) -> Bool[np.ndarray, " rows"]:
    """The rows that the exclusion keeps, segment by segment."""
    kept = np.zeros(segments.rows, dtype=bool)
    for number, (start, stop) in enumerate(pairwise(segments.offsets.tolist())):
        if exclusion.norm_above is None:
            x = torch.zeros(stop - start, 1)  # only norms need the activations themselves
        else:
            rows = first_rows[number] + np.arange(stop - start)
            x = torch.cat([*reader.pieces(rows), torch.zeros(0, reader.d)])
        own = None if tokens is None else torch.tensor(tokens[start:stop])
        kept[start:stop] = exclusion.kept(x, own).numpy()
    return kept
