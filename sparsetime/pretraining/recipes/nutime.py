"""NuTime: numerically multi-scaled windows, and two crops whose vectors are alike."""

from __future__ import annotations

from sparsetime.pretraining.masks.mask import Share
from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.pretraining.transformer_encoder import transformer_encoder
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "nutime",
    title="NuTime",
    paper="Lin et al. 2024, NuTime: numerically multi-scaled embedding for large-scale time series "
    "pretraining, arXiv:2310.07402",
    idea="Mean and deviation of a window are embedded at all orders of magnitude.",
    claim="One model for series of any amplitude, ahead of earlier pretraining on UCR.",
    source_of_defaults="BYOL on random crops with a teacher at 0.99, as in the paper.",
    cost="Two passes of the model and two of the teacher a step.",
    system=172,
)
def nutime(patch: Count = 8, layers: Count = 2, teacher: Share = 0.99) -> PretrainingObjective:
    """patch: steps of a window."""
    return compose_objective(
        {"kind": "contrast", "pair": {"kind": "crops", "least": 3}, "form": "cosine"},
        teacher=teacher,
        model=transformer_encoder("scales", layers, size=patch),
    )
