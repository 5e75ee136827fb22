"""TimeDART: diffusion of every patch, conditioned on a causal transformer of earlier ones."""

from __future__ import annotations

from sparsetime.pretraining.objective import PretrainingObjective, compose_objective
from sparsetime.pretraining.recipes.card import recipe
from sparsetime.sequence_models.sequence_component import Count


@recipe(
    "timedart",
    title="TimeDART",
    paper="Wang et al. 2024, TimeDART: a diffusion autoregressive transformer for self-supervised "
    "time series representation, arXiv:2410.05711",
    idea="The causal transformer holds the trend, denoising of a patch its detail.",
    claim="Fine-tuned forecasts ahead of those from scratch and of either objective alone.",
    source_of_defaults="Cosine schedule and a noise level a patch, as in the paper; a network in "
    "place of its denoising transformer.",
    cost="One pass of the model a step, and a small network a patch.",
    system=245,
)
def timedart(
    is_noisy: bool = True, reads_earlier: bool = True, patch: Count = 8, layers: Count = 2
) -> PretrainingObjective:
    """is_noisy, reads_earlier: False for either objective without the other."""
    return compose_objective(
        {"kind": "denoise", "is_noisy": is_noisy, "reads_earlier": reads_earlier},
        model={"view": {"kind": "patches", "size": patch}, "mixers": ["attention"] * layers},
    )
