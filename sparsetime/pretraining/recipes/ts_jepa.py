"""TS-JEPA: the latents of hidden patches are predicted, as a moving average sees them."""

from __future__ import annotations

from sparsetime.pretraining.masks.mask import Share
from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.pretraining.transformer_encoder import transformer_encoder
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "ts_jepa",
    title="TS-JEPA",
    paper="Ennadir et al. 2025, Joint embeddings go temporal, arXiv:2509.25449",
    idea="Hidden patches are predicted as vectors of a teacher, and not as values.",
    claim="Matches masked modelling of values, and is less drawn to noise.",
    source_of_defaults="70% of patches hidden and a teacher at 0.996 are usual for joint "
    "embeddings; sizes are the user's.",
    cost="The model on the visible patches, a small predictor, and the teacher on all of them.",
    system=259,
)
def ts_jepa(
    share: Share = 0.7, teacher: Share = 0.996, patch: Count = 8, layers: Count = 2
) -> PretrainingObjective:
    """share: of hidden patches. teacher: share that it keeps. patch: steps of a patch."""
    return compose_objective(
        {"kind": "masked", "mask": {"kind": "random", "share": share}, "target": "latents"},
        teacher=teacher,
        model=transformer_encoder("patches", layers, size=patch),
    )
