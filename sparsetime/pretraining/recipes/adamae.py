"""AdaMAE: a masked autoencoder whose visible tubes are chosen by a learnt mask."""

from __future__ import annotations

from sparsetime.pretraining.masks.mask import Share
from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.pretraining.transformer_encoder import transformer_encoder
from sparsetime.sequence_models.sequence_component import Count, Positive


@recipe(
    "adamae",
    title="AdaMAE",
    paper="Bandara et al. 2023, AdaMAE: adaptive masking for efficient spatiotemporal learning "
    "with masked autoencoders, arXiv:2211.09120",
    idea="A network learns to keep what is hard to rebuild visible, by policy gradient.",
    claim="95% can be hidden, as the tokens that are kept lie where things move.",
    source_of_defaults="95% hidden, as in the paper; the weight of the mask's term is larger, for "
    "short runs.",
    cost="The model on a twentieth of the tubes, a small decoder, and one attention for the mask.",
    system=189,
)
def adamae(
    share: Share = 0.95,
    mask_weight: Positive = 1e-2,
    frames: Count = 2,
    pixels: Count = 8,
    layers: Count = 2,
) -> PretrainingObjective:
    """share: of hidden tubes. mask_weight: of the term that trains the mask."""
    mask = {"kind": "learnt", "share": share, "weight": mask_weight}
    return compose_objective(
        {"kind": "masked", "mask": mask},
        model=transformer_encoder("tubes", layers, frames=frames, pixels=pixels),
    )
