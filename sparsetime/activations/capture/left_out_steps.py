"""Steps of a captured shard that are not stored: first steps of a window, tokens, large norms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.capture.input_windows import Shard
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.errors import DataError


def kept_of_plan(shard: Shard, exclusion: StepExclusion) -> Bool[np.ndarray, " rows"]:
    """The rows of a shard that positions and tokens keep, before the model runs.

    `first` counts the steps of what the model reads at once: those of a window, among them the
    ones that it repeats from the window before as context. Special tokens are not counted.

    Errors: DataError where tokens decide and the documents have none.
    """
    kept = np.ones(shard.rows, dtype=bool)
    start = 0
    for window in shard.windows:
        prepared, stop = window.prepared, start + window.rows
        steps = window.positions
        if steps is None:
            began = np.searchsorted(prepared.kept, window.input_start)
            steps = np.arange(window.row_start, window.row_stop) - began
        kept[start:stop] = steps >= exclusion.first
        if exclusion.tokens:
            if "token" not in prepared.columns.column_names:
                raise DataError(
                    f"got an exclusion of the tokens {list(exclusion.tokens)} for documents of "
                    f"{prepared.document.kind}, which have no tokens; leave steps out by position "
                    "or norm"
                )
            own = prepared.columns["token"].to_numpy()[window.row_start : window.row_stop]
            kept[start:stop] &= ~np.isin(own, exclusion.tokens)
        start = stop
    return kept


def kept_of_norms(
    activations: Float[Tensor, "rows d"],
    kept: Bool[np.ndarray, " rows"],
    exclusion: StepExclusion,
) -> tuple[Bool[np.ndarray, " rows"], StepExclusion]:
    """The rows of a shard that the norm keeps too, and the exclusion with its limit.

    limit = norm_above * median ||x||, over the kept rows of the first shard that has any: a capture
    does not read its data twice, so that shard stands for all. Later shards take the limit as it
    is. The median moves little with heavy tails: that is why it is the measure.
    """
    if exclusion.norm_above is None or not kept.any():
        return kept, exclusion
    norms = activations.double().norm(dim=1)
    if exclusion.norm_limit is None:
        median = float(np.median(norms.numpy()[kept]))
        exclusion = replace(exclusion, norm_limit=exclusion.norm_above * median)
    return kept & (norms <= exclusion.norm_limit).numpy(), exclusion
