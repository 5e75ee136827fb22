"""Moments found in a sequence, and the surprise of its steps, for a lane of the timeline."""

from __future__ import annotations

import base64

import numpy as np
import pyarrow.compute as pc

from sparsetime.errors import SparsetimeError
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.extra_stores import extra_sequences, strongest
from sparsetime.explorer.workbench.run_cache import RunCache

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

    Moments of files that cannot be read are left out; `sparsetime verify` names them.

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
    place = int(np.searchsorted(store.sequence_indices, sequence))
    name = store.sequences["id"][place].as_py()
    try:
        tables = read_moments(opened.folder / FOLDER)
    except SparsetimeError:
        return []
    found = []
    for of, table in tables.items():
        scores = table["score"].to_numpy()
        low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 0.0)
        own = table.filter(pc.equal(table["sequence"], name)).sort_by([("score", "descending")])
        rows = [
            FoundMoment(
                first=row["first_step"],
                stop=row["stop_step"],
                score=row["score"],
                share=(row["score"] - low) / (high - low) if high > low else 1.0,
            )
            for row in own.slice(0, MOST).to_pylist()
            if row["stop_step"] > first and row["first_step"] < stop
        ]
        if rows:
            found.append(MomentsOfName(name=of, moments=tuple(rows)))
    return found
