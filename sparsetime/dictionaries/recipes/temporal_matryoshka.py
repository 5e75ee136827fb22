"""T-SAE: a high-level part that stays similar from one step to the next."""

from sparsetime.dictionaries.atoms import UnitNormAtoms, prefix_ends
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import AuxK, NestedMSE, Objective, TemporalContrastive
from sparsetime.dictionaries.recipes.catalogue import recipe
from sparsetime.dictionaries.sparsifiers import BatchTopK


@recipe(
    "temporal_matryoshka",
    title="Temporal SAE (T-SAE)",
    paper="Bhalla et al. 2025, Temporal Sparse Autoencoders: Leveraging the Sequential Nature "
    "of Language for Interpretability, arXiv:2511.05541",
    idea="The first fifth of the latents must recognise a row's neighbour in time, so that slow "
    "content gathers there and the rest carries what changes from step to step.",
    claim="Smoother, more semantic high-level features at little or no cost in error.",
    source_of_defaults="The paper's share of high-level latents; weight and temperature of the "
    "contrast were chosen here.",
    cost="About twice TopK, for the earlier row is encoded too, and the contrast of its blocks.",
)
def temporal_matryoshka(
    d_in: int,
    width: int,
    k: int = 32,
    high: float = 0.2,
    contrast: float = 0.3,
    temperature: float = 0.1,
    contrast_block: int = 512,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`high`: the share of latents in the high-level part, as in the paper; `contrast` and
    `temperature`: weight and sharpness of the contrastive loss; `contrast_block`: rows told apart
    at once.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        BatchTopK(k),
        UnitNormAtoms(width, d_in, prefix_ends(width, (high, 1.0))),
        Objective(
            [
                NestedMSE(),
                TemporalContrastive(contrast, contrast_block, temperature),
                AuxK(aux_k, aux_weight),
            ]
        ),
    )
