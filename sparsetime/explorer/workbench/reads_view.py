"""Reads of a sequence model by lag, for the lane over the timeline."""

from __future__ import annotations

import base64

import numpy as np

from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.extra_stores import extra_sequences, strongest
from sparsetime.explorer.workbench.run_cache import RunCache

_LAGS = 64  # of a mixer, unless the site has another number of columns
_MIDDLE = 128


class ReadsOfSite(FrozenRecord):
    """What steps read of earlier ones, as the mean of all heads.

    levels: base64 of uint8 [lags + 1, columns], from the present step to the oldest, and all older
    ones together: 128 for no weight, 255 for `top`, 1 for -`top`. Column c lasts from step
    `first` + c * `stride` on.
    """

    site: Text
    lags: int
    columns: int
    stride: float
    top: float
    levels: Text


class ReadsView(FrozenRecord):
    """The reads of the steps `first` to `stop` at every site that the run holds them of."""

    first: int
    stop: int
    sites: tuple[ReadsOfSite, ...] = ()


def reads(
    opened: RunCache, key: str, sequence: int, first: int = 0, stop: int | None = None
) -> ReadsView:
    """The weights with which the steps `first` to `stop` (exclusive) take up earlier steps.

    They are of stores in the run that were captured at sites such as `blocks.0:reads`. Where
    there are more than 1,000 steps, a column has the weight of largest magnitude.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, _ = segment(opened, key, sequence, first, stop)
    sites = []
    for site, stored in extra_sequences(opened, key, sequence, "reads"):
        values = stored.values[first:stop].double().numpy()
        lags = _LAGS if values.shape[1] % (_LAGS + 1) == 0 else values.shape[1] - 1
        mean = values.reshape(len(values), -1, lags + 1).mean(1)
        columns, stride = strongest(mean)
        top = float(np.abs(columns).max(initial=0.0)) or 1.0
        levels = np.rint(columns / top * (_MIDDLE - 1) + _MIDDLE).astype(np.uint8)
        packed = base64.b64encode(levels.T.tobytes()).decode()
        sites.append(
            ReadsOfSite(
                site=site, lags=lags, columns=len(columns), stride=stride, top=top, levels=packed
            )
        )
    return ReadsView(first=first, stop=stop, sites=tuple(sites))
