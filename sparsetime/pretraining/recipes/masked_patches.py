"""Masked autoencoder over patches of a series."""

from __future__ import annotations

from sparsetime.pretraining.masks.mask import Share
from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.pretraining.transformer_encoder import transformer_encoder
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "masked_patches",
    title="Masked patches",
    paper="Nie et al. 2023, A time series is worth 64 words, arXiv:2211.14730; left out: He et al. "
    "2022, arXiv:2111.06377",
    idea="The values of hidden patches are rebuilt from the visible ones.",
    claim="Representations of patches that transfer to forecasting.",
    source_of_defaults="40% of patches hidden, as in the paper; sizes are the user's.",
    cost="The model on the visible patches, and a small decoder.",
)
def masked_patches(share: Share = 0.4, patch: Count = 8, layers: Count = 2) -> PretrainingObjective:
    """share: of hidden patches. patch: steps of a patch."""
    return compose_objective(
        {"kind": "masked", "mask": {"kind": "random", "share": share}},
        model=transformer_encoder("patches", layers, size=patch),
    )
