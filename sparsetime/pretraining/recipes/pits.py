"""PITS: patches are embedded one by one, rebuilt, and contrasted with complementary masks."""

from __future__ import annotations

from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "pits",
    title="PITS",
    paper="Lee et al. 2024, Learning to embed time series patches independently, arXiv:2312.16427",
    idea="No patch reads another one: each is rebuilt from its own vector.",
    claim="Lower forecasting errors than masked transformers, with fewer parameters.",
    source_of_defaults="Equal weights and half of the patches in each copy, as in the paper.",
    cost="A small network a patch, twice; no attention.",
    system=183,
)
def pits(patch: Count = 8, layers: Count = 2) -> PretrainingObjective:
    """patch: steps of a patch. layers: of the network that embeds it."""
    contrast = {"kind": "hierarchical_contrast", "pair": "complementary", "hidden": 0.0}
    return compose_objective(
        ["rebuild", contrast],
        model={
            "view": {"kind": "patches", "size": patch, "positions": False},
            "mixers": [{"kind": "conv", "width": 1}] * layers,
        },
    )
