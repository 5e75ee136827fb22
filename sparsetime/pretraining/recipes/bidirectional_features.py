"""Bidirectional feature prediction: past and future together, with their order as a negative."""

from __future__ import annotations

from typing import Literal

from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.pretraining.transformer_encoder import transformer_encoder
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "bidirectional_features",
    title="Bidirectional feature prediction",
    paper="Behrmann et al. 2021, Unsupervised video representation learning by bidirectional "
    "feature prediction, arXiv:2011.06037",
    idea="Future and past encoded together give hard negatives: the two exchanged.",
    claim="Better features for actions than predicting future or past.",
    source_of_defaults="Tubes of 2 frames and 8 pixels are for clips of 32 pixels.",
    cost="Three passes of the model a step, on a third of the clip each.",
    system=219,
)
def bidirectional_features(
    direction: Literal["both", "future", "past"] = "both",
    frames: Count = 2,
    pixels: Count = 8,
    layers: Count = 2,
) -> PretrainingObjective:
    """direction: of the neighbours that are predicted."""
    return compose_objective(
        {"kind": "feature_prediction", "direction": direction},
        model=transformer_encoder("tubes", layers, frames=frames, pixels=pixels),
    )
