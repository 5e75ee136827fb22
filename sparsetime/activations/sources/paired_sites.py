"""Paired sites: several sites of one capture as one source of aligned rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, reduce

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.activations.sampling.kept_segments import kept_rows_of, unbroken_segments
from sparsetime.activations.sources.named_tensors import NamedTensorSource
from sparsetime.activations.sources.source import Origin, PrefetchingReader, RowReader
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.store import Store
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.models.model_hash import same_model
from sparsetime.segments import Segments


def paired_sites(
    x: Store | Sequence[Store], target: Store | Sequence[Store] | None = None
) -> NamedTensorSource:
    """Stores of several sites as one source, whose rows agree in sequence and position.

    x: what a dictionary reads; target: what it is to reconstruct, where that is another site (a
    transcoder). Several stores are joined along the dimensions (a crosscoder reads and writes all
    sites of `x`). `sparsetime.capture(..., site=[...])` makes such stores; `split` them alike, with
    one seed, to hold sequences out.

    Errors: MismatchError where the stores hold other sequences or come from other models.
    """
    groups = {"x": _as_list(x)} | ({} if target is None else {"target": _as_list(target)})
    stores = [store for group in groups.values() for store in group]
    for store in stores[1:]:
        _check_same_rows(stores[0], store)
    digest = hashlib.sha256("".join(store.fingerprint for store in stores).encode())
    digest.update(str([len(group) for group in groups.values()]).encode())
    excluded = _excluded_by(groups["x"], stores)
    segments, first_rows = _segments_kept_by_all(stores, excluded)
    return NamedTensorSource(
        JoinedReader([store.reader for store in stores]),
        segments,
        {name: sum(store.d for store in group) for name, group in groups.items()},
        digest.hexdigest(),
        has_time=True,
        first_rows=first_rows,
        excluded=excluded,
        origin=Origin(
            stores[0].model_name,
            stores[0].model_hash,
            " -> ".join(" + ".join(store.site for store in group) for group in groups.values()),
        ),
    )


def _excluded_by(x: list[Store], stores: list[Store]) -> StepExclusion:
    """What any store leaves out. A limit of the norm holds for one site, where x is one alone."""
    merged = reduce(StepExclusion.merged, (store.excluded for store in stores))
    own = x[0].excluded if len(x) == 1 else StepExclusion()
    return replace(merged, norm_above=own.norm_above, norm_limit=own.norm_limit)


def _segments_kept_by_all(
    stores: list[Store], excluded: StepExclusion
) -> tuple[Segments, NDArray[np.int64]]:
    """The unbroken runs of rows that no store leaves out; norms differ from site to site."""
    masks = [mask for store in stores if (mask := kept_rows_of(store)) is not None]
    segments, first_rows = stores[0].segments, stores[0].first_rows
    if not masks:
        return segments, first_rows
    return unbroken_segments(np.logical_and.reduce(masks), segments, first_rows, excluded)


class JoinedReader:
    """Readers of the same rows, their activations concatenated along the width."""

    # Rows concatenated at once, so that a whole store is never in memory twice.
    _AT_ONCE = 1 << 14

    def __init__(self, readers: Sequence[RowReader]) -> None:
        self._readers = readers
        self.in_memory = False

    @cached_property
    def d(self) -> int:
        return sum(reader.d for reader in self._readers)

    @cached_property
    def dtype(self) -> torch.dtype:
        """The one dtype of all, or float32, which holds them all."""
        dtypes = {reader.dtype for reader in self._readers}
        return dtypes.pop() if len(dtypes) == 1 else torch.float32

    def prefetch(self, rows: NDArray[np.int64]) -> None:
        """Begin to fetch the given rows (ascending) of remote stores."""
        for reader in self._readers:
            if isinstance(reader, PrefetchingReader):
                reader.prefetch(rows)

    def pieces(self, rows: NDArray[np.int64]) -> Iterator[Float[Tensor, "some d"]]:
        """The rows of the given numbers (ascending), in order."""
        for start in range(0, len(rows), self._AT_ONCE):
            chunk = rows[start : start + self._AT_ONCE]
            columns = [torch.cat(list(reader.pieces(chunk))) for reader in self._readers]
            yield torch.cat([column.to(self.dtype) for column in columns], 1)


def _as_list(stores_or_one: Store | Sequence[Store]) -> list[Store]:
    stores = [stores_or_one] if isinstance(stores_or_one, Store) else list(stores_or_one)
    if not stores or not all(isinstance(store, Store) for store in stores):
        raise ConfigError(
            "paired_sites takes stores, or lists of stores; tensors go into a dict instead: "
            '{"x": [rows, d_in], "target": [rows, d_out]}'
        )
    return stores


def _check_same_rows(first: Store, other: Store) -> None:
    if not same_model(first.model_hash, other.model_hash):
        raise MismatchError(
            f"{first.path} was captured from {first.model_name}, {other.path} from "
            f"{other.model_name} or other weights of it: capture all sites at once, with "
            "site=[...]"
        )
    columns = ["id", "length"]
    left, right = first.sequences.select(columns), other.sequences.select(columns)
    if left.num_rows != right.num_rows:
        raise MismatchError(
            f"{first.path} shows {left.num_rows:,} sequences and {other.path} "
            f"{right.num_rows:,}: split all stores alike, or none"
        )
    for mine, theirs in zip(left.to_pylist(), right.to_pylist(), strict=True):
        if mine != theirs:
            raise MismatchError(
                f"{first.path} and {other.path} hold other sequences: {mine['id']!r} of "
                f"{mine['length']} steps stands where {theirs['id']!r} of {theirs['length']} does. "
                "Capture all sites at once, with site=[...], and split them alike"
            )
    if not np.array_equal(first.first_rows, other.first_rows):
        raise MismatchError(
            f"{first.path} and {other.path} keep the same sequences in other places: capture all "
            "sites at once, with site=[...]"
        )
