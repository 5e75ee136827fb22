"""Temporal SAE (T-SAE): a high-level group of latents that stays similar over time."""

from sparsetime.dictionaries.decoders import UnitNormDecoder, prefix_ends
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import (
    AuxK,
    NestedMSE,
    Objective,
    TemporalContrastive,
    TemporalDifference,
)
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import BatchTopK
from sparsetime.errors import ConfigError


@recipe(
    "temporal_matryoshka",
    title="Temporal SAE (T-SAE)",
    paper="Bhalla et al. 2025, Temporal Sparse Autoencoders: Leveraging the Sequential Nature "
    "of Language for Interpretability, arXiv:2511.05541",
    idea="The first fifth of the latents must identify a row's earlier partner, so that they "
    "encode slow content and the rest encode what changes from step to step.",
    claim="Smoother, more semantic high-level features at little or no cost in error.",
    source_of_defaults="Fraction of high-level latents and weight of their error: the authors' "
    "public code. That code takes activations at their raw scale, where its weight of 0.1 is "
    "nearly a hard margin for dot products (contrast) or nearly nothing (difference); here "
    "activations have unit scale, the contrast compares cosines as in the paper, and weights and "
    "temperature were chosen here. As there, the contrast stands alone; `difference_weight` adds "
    "the other loss. Its partner is a row before or any earlier one of a context of 256: train "
    "with `lag=1` or `lag=(1, 255)`. The difference alone made nothing smoother here: below a "
    "weight of 0.1 hardly anything changes, and from 0.3 upwards the high-level group is empty, "
    "because empty codes have no difference.",
    cost="About twice TopK, because the earlier row is encoded too, and the contrastive loss "
    "within blocks.",
)
def temporal_matryoshka(
    d_in: int,
    width: int,
    k: int = 32,
    high_fraction: float = 0.2,
    high_loss_weight: float = 0.2,
    contrastive_weight: float = 0.3,
    difference_weight: float = 0.0,
    temperature: float = 0.1,
    contrast_block: int = 512,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`high_fraction`: fraction of latents in the high-level group. `high_loss_weight`: weight of
    its own squared error; that of all latents has the rest of 1. `contrastive_weight`,
    `difference_weight`: weights of the two temporal losses, 0 to leave one out. `temperature`: of
    the contrastive loss. `contrast_block`: rows that are contrasted with each other.
    """
    temporal: list[Term] = []
    if contrastive_weight:
        temporal.append(TemporalContrastive(contrastive_weight, contrast_block, temperature))
    if difference_weight:
        temporal.append(TemporalDifference(difference_weight))
    if not temporal:
        raise ConfigError(
            "got contrastive_weight=0 and difference_weight=0, expected one above 0: no term would "
            "compare steps. Set one, or take the recipe 'matryoshka_batch_topk'"
        )
    shares = [high_loss_weight, 1 - high_loss_weight]
    return Dictionary(
        LinearEncoder(d_in, width),
        BatchTopK(k),
        UnitNormDecoder(width, d_in, prefix_ends(width, (high_fraction, 1.0))),
        Objective([NestedMSE(shares=shares), *temporal, AuxK(aux_k, aux_weight)]),
    )
