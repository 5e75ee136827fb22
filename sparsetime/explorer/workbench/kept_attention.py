"""Kept attention of a run: its heads, values along time, moments, and pairs in context."""

from __future__ import annotations

import base64
import math
import threading
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sparsetime.attention.kept.kept_attention import (
    JSON_NAME,
    SCHEMA_VERSION,
    KeptAttention,
    KeptHead,
    open_attention,
)
from sparsetime.errors import DamagedError, SparsetimeError, unknown_name
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.byte_lru import ByteLRU
from sparsetime.files import Folder

if TYPE_CHECKING:
    from sparsetime.explorer.workbench.run_cache import RunCache

ATTENTION = "attention"
MOST_COLUMNS = 4096
_ROOM = 1 << 28  # bytes of heads that are kept
_SHOWN_PAIRS, _AROUND = 12, 6
_SHOWN_READERS = 64
_CANDIDATES = 4096  # pairs among which those of different keys are looked for

#: What is drawn along time of every head.
Value = Literal["distance", "received", "entropy"]


class AttentionEntry(FrozenRecord):
    """Kept attention of one sequence. note: why it cannot be shown; empty where it can."""

    name: Text
    model: Text
    steps: int
    policies: list[Text]
    note: Text = ""


class PolicyReads(FrozenRecord):
    """Of one head: the share of pairs that a policy leaves out, and of mass that it keeps."""

    sparsity: float
    mass_kept: float


class AttentionHead(FrozenRecord):
    """A head. copying: share of repeated steps whose most read key followed the copy; None without
    repeats. distance: mean steps back; entropy: mean, in nats.
    """

    module: Text
    layer: int
    head: int
    copying: float | None
    distance: float
    entropy: float
    policies: list[PolicyReads]


class AttentionView(FrozenRecord):
    """Kept attention of one sequence. dictionaries: those that have its steps under `sequence`."""

    entry: AttentionEntry
    texts: list[Text]
    heads: list[AttentionHead]
    sequence: int | None
    dictionaries: list[Text]


class AttentionLanes(FrozenRecord):
    """A value of all heads along time. levels: base64 of a byte a head and column, from 0 to `most`
    by the square root; a column is `stride` steps from `first` on.
    """

    first: int
    stop: int
    stride: int
    most: float
    levels: Text


class WeightedStep(FrozenRecord):
    """A step with its attention weight. read: whether each policy reads the pair."""

    step: int
    weight: float
    read: list[bool]


class AttentionMoment(FrozenRecord):
    """What one step read by one head, and which steps read it, the strongest first.

    rest: mass of the step on keys that are not among its strongest.
    """

    step: int
    reads: list[WeightedStep]
    readers: list[WeightedStep]
    rest: float


class ContextPair(FrozenRecord):
    """A pair with the texts around the query and around the key; `at` is its place among them."""

    query: int
    key: int
    weight: float
    read: list[bool]
    query_texts: list[Text]
    query_at: int
    key_texts: list[Text]
    key_at: int


def attention_list(folder: Folder) -> list[AttentionEntry]:
    """The kept attention of a run: folders in its `attention/`; one that is damaged has a note."""
    home = folder / ATTENTION
    return [_listed(home, name) for name in _names(home)]


def _names(home: Folder) -> list[str]:
    return [name for name in home.names() if home.exists(f"{name}/{JSON_NAME}")]


def _listed(home: Folder, name: str) -> AttentionEntry:
    try:
        return _entry(name, (home / name).read_json(JSON_NAME, SCHEMA_VERSION))
    except (SparsetimeError, KeyError, TypeError, ValueError) as error:
        return AttentionEntry(name=name, model="", steps=0, policies=[], note=str(error))


def _entry(name: str, about: Any) -> AttentionEntry:
    policies = [one["name"] for one in about["policies"]]
    return AttentionEntry(
        name=name, model=about["model"], steps=len(about["texts"]), policies=policies
    )


class KeptAttentions:
    """Kept attention that was opened, and heads that were read, for several readers at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: dict[str, tuple[float, KeptAttention]] = {}
        self._heads = ByteLRU(self._read, _weight, _ROOM)

    def opened(self, folder: Folder, name: str) -> KeptAttention:
        """Errors: UnknownNameError for a name that the run lacks; those of `open_attention`."""
        home = folder / ATTENTION
        known = _names(home)
        if name not in known:
            raise unknown_name("kept attention of the run", name, known)
        own = home / name
        stamp = own.path(JSON_NAME).stat().st_mtime if own.is_local else 0.0
        with self._lock:
            if name not in self._opened or self._opened[name][0] != stamp:
                self._opened[name] = (stamp, open_attention(own.url))
            return self._opened[name][1]

    def head(self, folder: Folder, name: str, number: int) -> KeptHead:
        """Errors: those of `opened` and of `KeptAttention.head`."""
        return self._heads(self.opened(folder, name), number)

    def _read(self, kept: KeptAttention, number: int) -> KeptHead:
        return kept.head(number)


def _weight(head: KeptHead) -> int:
    return int(sum(array.nbytes for array in (head.keys, head.weights, *head.runs, *head.read)))


def attention_view(kept: KeptAttention, name: str, opened: RunCache) -> AttentionView:
    """The heads of kept attention, with the texts of its steps.

    Errors: DamagedError for a record of other fields.
    """
    from sparsetime.activations.store.provenance import shards_hash

    about = kept.about
    try:
        store, number = about["sequence"] or (None, None)
        heads = [
            AttentionHead.model_validate({k: v for k, v in one.items() if k != "sha256"})
            for one in about["heads"]
        ]
        keys = [
            key
            for key in opened.shown
            if store is not None and shards_hash(opened.dictionary(key).store) == store
        ]
        return AttentionView(
            entry=_entry(name, about),
            texts=about["texts"],
            heads=heads,
            sequence=number if keys else None,
            dictionaries=keys,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(
            f"{kept.folder.url}/{JSON_NAME} does not describe kept attention: {error!r}"
        ) from error


def attention_lanes(
    kept: KeptAttention, value: Value, first: int, stop: int | None, columns: int
) -> AttentionLanes:
    """A value of all heads over the steps `first` to `stop`, as the mean of every column."""
    stop = min(kept.length, kept.length if stop is None else stop)
    first = min(first, stop - 1)
    stride = -(-(stop - first) // columns)
    whole = np.nan_to_num(getattr(kept, value))
    values = whole[:, first:stop]
    begins = np.arange(0, stop - first, stride)
    sizes = np.append(begins[1:], stop - first) - begins
    means = np.add.reduceat(values, begins, axis=1) / sizes
    # Of the whole sequence, so that a shade means the same wherever one looks.
    most = float(np.quantile(whole, 0.995)) or 1.0
    return AttentionLanes(
        first=first, stop=stop, stride=stride, most=most, levels=packed(means / most, root=True)
    )


def packed(shares: np.ndarray, root: bool = False) -> str:
    """Shares in [0, 1], or their square roots, as base64 of a byte each; larger ones are 255."""
    clipped = np.clip(shares, 0, 1).astype(np.float32)
    levels = np.ceil(255 * (np.sqrt(clipped) if root else clipped)).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode()


def attention_moment(head: KeptHead, step: int) -> AttentionMoment:
    """What a step read, and which steps read it, among the strongest pairs of the head."""
    step = min(step, len(head.keys) - 1)
    some = head.keys[step] >= 0
    reads = [
        _weighted(head, step, place, int(head.keys[step, place]))
        for place in np.flatnonzero(some).tolist()
    ]
    queries, places = np.nonzero(head.keys == step)
    order = np.argsort(-head.weights[queries, places], kind="stable")[:_SHOWN_READERS]
    readers = [
        _weighted(head, int(queries[n]), int(places[n]), int(queries[n]))
        for n in order
        if queries[n] != step
    ]
    rest = max(0.0, 1 - float(head.weights[step].sum()))
    return AttentionMoment(step=step, reads=reads, readers=readers, rest=rest)


def _weighted(head: KeptHead, query: int, place: int, step: int) -> WeightedStep:
    return WeightedStep(
        step=step,
        weight=float(head.weights[query, place]),
        read=[bool(read[query, place]) for read in head.read],
    )


def strongest_in_context(kept: KeptAttention, head: KeptHead) -> list[ContextPair]:
    """The pairs of most weight, one a key, without a step's attention to itself."""
    weights = np.where(head.keys == np.arange(len(head.keys))[:, None], 0, head.weights)
    count = min(_CANDIDATES, weights.size)
    shown: list[ContextPair] = []
    seen: set[int] = set()
    candidates = np.argpartition(weights, -count, axis=None)[-count:]
    for flat in candidates[np.argsort(-weights.reshape(-1)[candidates], kind="stable")]:
        query, place = divmod(int(flat), weights.shape[1])
        key, weight = int(head.keys[query, place]), float(weights[query, place])
        if len(shown) == _SHOWN_PAIRS or not math.isfinite(weight) or weight <= 0:
            break
        if key in seen:
            continue
        seen.add(key)
        query_texts, query_at = _around(kept, query)
        key_texts, key_at = _around(kept, key)
        shown.append(
            ContextPair(
                query=query,
                key=key,
                weight=weight,
                read=[bool(read[query, place]) for read in head.read],
                query_texts=query_texts,
                query_at=query_at,
                key_texts=key_texts,
                key_at=key_at,
            )
        )
    return shown


def _around(kept: KeptAttention, step: int) -> tuple[list[str], int]:
    begin = max(0, step - _AROUND)
    return kept.about["texts"][begin : step + _AROUND + 1], step - begin
