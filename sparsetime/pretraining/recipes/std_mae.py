"""STD-MAE: masked autoencoders of many sensors, one that hides sensors, one that hides times."""

from __future__ import annotations

from typing import Literal

from sparsetime.pretraining.masks.mask import Share
from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.pretraining.transformer_encoder import transformer_encoder
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "std_mae",
    title="STD-MAE",
    paper="Gao et al. 2024, Spatial-temporal-decoupled masked pre-training for spatiotemporal "
    "forecasting, arXiv:2312.00516",
    idea="Two models rebuild hidden sensors and hidden times, and their vectors feed any "
    "forecaster.",
    claim="Lower forecasting errors on six traffic sets.",
    source_of_defaults="25% hidden, as in the paper; patches of 12 steps.",
    cost="Attention over all patches of all sensors; made once for each of the two masks.",
    system=205,
)
def std_mae(
    mask: Literal["tube", "frame"] = "tube",
    share: Share = 0.25,
    patch: Count = 12,
    layers: Count = 2,
) -> PretrainingObjective:
    """mask: "tube" hides sensors at all times, "frame" times of all sensors."""
    return compose_objective(
        {"kind": "masked", "mask": {"kind": mask, "share": share}},
        model=transformer_encoder("channel_patches", layers, size=patch),
    )
