"""Provenance of activations, and the fraction of a view that training has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetime.activations.store.store import Store

if TYPE_CHECKING:
    from sparsetime.activations.sources.source import Source


def shards_hash(store: Store) -> str:
    """SHA-256 over the checksums of all files of a store's shards, the same for each of its views.

    Two stores share it exactly where they hold the same activations of the same documents.
    """
    digest = hashlib.sha256()
    for shard in store.manifest.shards:
        for kind in sorted(shard.files):
            digest.update(shard.files[kind].sha256.encode())
    return digest.hexdigest()


def sequences_hash(store: Store) -> str:
    """SHA-256 of the numbers of the sequences that a view selects, and of where it cuts them."""
    digest = hashlib.sha256(np.asarray(store.sequence_indices, dtype="<i8").tobytes())
    if (spans := cut_spans(store)) is not None:
        digest.update(np.asarray(spans, dtype="<i8").tobytes())
    return digest.hexdigest()


def provenance(source: Source) -> dict[str, Any]:
    """The value of `trained_on` in a dictionary's record, as JSON values.

    fingerprint: the source's own. store, sequences: `shards_hash` and the numbers in the whole
    store of the sequences in view; None for activations that come from no store. spans: first row
    and one past the last of each, where the view holds parts of sequences; else absent.
    """
    stored = source if isinstance(source, Store) else None
    spans = None if stored is None else cut_spans(stored)
    return {
        "fingerprint": source.fingerprint,
        "store": None if stored is None else shards_hash(stored),
        "sequences": None if stored is None else stored.sequence_indices.tolist(),
        **({} if spans is None else {"spans": spans}),
    }


def fraction_seen(trained_on: Mapping[str, Any] | None, view: Store) -> float | None:
    """The fraction of a view's steps that a dictionary was trained on.

    `trained_on` is the `provenance` in the dictionary's record. None where it is unknown: without a
    record, for training on other data than a store, or on another store (which may or may not hold
    the same documents).
    """
    if not trained_on or trained_on.get("sequences") is None or len(view) == 0:
        return None
    if trained_on.get("store") != shards_hash(view):
        return None
    first, stop = view.first_rows, view.first_rows + view.segments.numpy_lengths
    numbers = np.asarray(trained_on["sequences"], dtype=np.int64)
    if "spans" not in trained_on:
        seen = np.isin(view.sequence_indices, numbers)
        return float((stop - first)[seen].sum() / len(view))
    spans = dict(zip(numbers.tolist(), trained_on["spans"], strict=True))
    own = [spans.get(number, (0, 0)) for number in view.sequence_indices.tolist()]
    begin, end = np.asarray(own, dtype=np.int64).reshape(-1, 2).T
    both = np.minimum(stop, end) - np.maximum(first, begin)
    return float(np.maximum(both, 0).sum() / len(view))


def data_sentence(store: Store, seen: float | None) -> str:
    """What a number was measured on, such as "held out: subject s3 (…); not trained on"."""
    count = len(store.sequence_indices)
    data = store.note or f"{count:,} sequence{'' if count == 1 else 's'}"
    if seen is None:
        return f"{data}; whether they were trained on is not recorded"
    if seen == 0:
        return f"{data}; not trained on"
    share = f"{seen:.0%}" if seen >= 0.005 else "under 1%"
    return f"{data}; {share} of the steps were trained on, so this is no held-out number"


def cut_spans(store: Store) -> list[list[int]] | None:
    """First row and one past the last of every sequence in view; None where all are whole."""
    if store.whole_sequences:
        return None
    stops = store.first_rows + store.segments.numpy_lengths
    pairs = zip(store.first_rows.tolist(), stops.tolist(), strict=True)
    return [[first, stop] for first, stop in pairs]
