"""rho-BYOL and rho-MoCo: clips of one video have like vectors, however far apart."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sparsetime.pretraining.masks.mask import Share
from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.pretraining.transformer_encoder import transformer_encoder
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "persistence",
    title="Spatiotemporal persistency",
    paper="Feichtenhofer et al. 2021, A large-scale study on unsupervised spatiotemporal "
    "representation learning, arXiv:2104.14558",
    idea="Clips of one video are positives of each other, over a long span of time.",
    claim="Long spans, up to a minute, give better features than clips at one time.",
    source_of_defaults="BYOL with a teacher at 0.99; clips of 8 frames in tubes of 2 frames and 8 "
    "pixels are for clips of 32 pixels.",
    cost="Two passes of the model and two of the teacher a step.",
    system=142,
)
def persistence(
    length: Count = 8,
    span: Annotated[int, Field(ge=0)] | None = None,
    form: Literal["cosine", "info_nce"] = "cosine",
    frames: Count = 2,
    pixels: Count = 8,
    layers: Count = 2,
    teacher: Share = 0.99,
) -> PretrainingObjective:
    """length: frames of a clip. span: frames between two clips at most; None for any."""
    pair = {"kind": "clips", "length": length, "span": span, "noise": 0.1}
    return compose_objective(
        {"kind": "contrast", "pair": pair, "form": form},
        teacher=teacher,
        model=transformer_encoder("tubes", layers, frames=frames, pixels=pixels),
    )
