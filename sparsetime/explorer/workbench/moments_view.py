"""Moments found in a sequence, and the surprise of its steps, for a lane of the timeline."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
from jaxtyping import Float, Int

from sparsetime.errors import SparsetimeError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.extra_stores import extra_sequences, strongest
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.features.contexts import find_sequence

if TYPE_CHECKING:
    from sparsetime.activations.store.stored_sequence import StoredSequence

MOST = 2000


class FoundMoment(FrozenRecord):
    """A span of steps; `share` is its score between the least (0) and the largest (1) found."""

    first: int
    stop: int
    score: float
    share: float


class MomentsOfName(FrozenRecord):
    """The moments of one file, those of highest score where there are more than 2,000."""

    name: Text
    moments: tuple[FoundMoment, ...]


class SurpriseCurve(FrozenRecord):
    """The surprise of steps, as the mean of all heads; the largest of a column's steps.

    levels: base64 of uint8 [columns], 255 for `top`. Column c lasts from step `first` + c *
    `stride` on.
    """

    site: Text
    columns: int
    stride: float
    top: float
    levels: Text


class MomentsView(FrozenRecord):
    """What the run holds of moments and surprise of the steps `first` to `stop`."""

    first: int
    stop: int
    found: tuple[MomentsOfName, ...] = ()
    surprise: tuple[SurpriseCurve, ...] = ()


def moments(
    opened: RunCache, key: str, sequence: int, first: int = 0, stop: int | None = None
) -> MomentsView:
    """Moments in `RUN/moments`, and surprise at sites such as `blocks.0:surprise`.

    Moments are left out where a file of them cannot be read; `sparsetime verify` names it.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, _ = segment(opened, key, sequence, first, stop)
    curves = []
    for site, stored in extra_sequences(opened, key, sequence, "surprise"):
        values = stored.values[first:stop].double().numpy().mean(1, keepdims=True)
        columns, stride = strongest(values)
        top = float(columns.max(initial=0.0)) or 1.0
        levels = np.rint(columns[:, 0].clip(0) / top * 255).astype(np.uint8)
        packed = base64.b64encode(levels.tobytes()).decode()
        curves.append(
            SurpriseCurve(site=site, columns=len(columns), stride=stride, top=top, levels=packed)
        )
    return MomentsView(
        first=first,
        stop=stop,
        found=tuple(_found(opened, key, sequence, first, stop)),
        surprise=tuple(curves),
    )


def _found(opened: RunCache, key: str, sequence: int, first: int, stop: int) -> list[MomentsOfName]:
    from sparsetime.moments.saved_moments import FOLDER, read_moments

    store = opened.dictionary(key).store
    own_sequence = find_sequence(store, sequence)
    try:
        tables = read_moments(opened.folder / FOLDER)
    except SparsetimeError:
        return []
    found = []
    for of, table in tables.items():
        scores = table["score"].to_numpy()
        low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 0.0)
        own = table.filter(pc.equal(table["sequence"], own_sequence.id)).sort_by(
            [("score", "descending")]
        )
        own = own.slice(0, MOST)
        begins, ends = own["first_step"].to_numpy(), own["stop_step"].to_numpy()
        if not store.whole_sequences:  # steps are numbered from the first that is indexed
            begins, ends = _steps_at(own_sequence, own["start"].to_numpy(), own["end"].to_numpy())
        rows = [
            FoundMoment(
                first=begin,
                stop=end,
                score=score,
                share=(score - low) / (high - low) if high > low else 1.0,
            )
            for begin, end, score in zip(
                begins.tolist(), ends.tolist(), own["score"].to_pylist(), strict=True
            )
            if max(begin, first) < min(end, stop)
        ]
        if rows:
            found.append(MomentsOfName(name=of, moments=tuple(rows)))
    return found


def _steps_at(
    sequence: StoredSequence,
    start: Float[np.ndarray, " moments"],
    end: Float[np.ndarray, " moments"],
) -> tuple[Int[np.ndarray, " moments"], Int[np.ndarray, " moments"]]:
    """First step and one past the last between two times; the first is not below where none is."""
    times, durations = sequence.times, sequence.durations
    slack = 1e-6 * durations.min(initial=1.0)
    first = np.searchsorted(times + durations, start + slack, side="right")
    return first, np.searchsorted(times, end - slack)
