"""MDL-SAE: minimum description length of code and residual."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import Objective
from sparsetime.dictionaries.objectives.description_length import DescriptionLength
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import JumpReLU


@recipe(
    "mdl_sae",
    title="MDL-SAE",
    paper="Ayonrinde, Pearce, Sharkey 2024, Interpretability as Compression: Reconsidering SAE "
    "Explanations of Neural Activations with MDL-SAEs, arXiv:2410.11179",
    idea="Minimise the description length of code and residual in bits, instead of trading error "
    "against sparsity.",
    claim="Description length has a minimum inside the grid of widths and sparsities, where error "
    "or sparsity alone would lead to its edges.",
    source_of_defaults="Written from the abstract: the coding of values and its precision were "
    "chosen here. Of eight pairs of threshold and bandwidth this one gave the fewest bits on "
    "the code model, on a seed and documents that no claim reports.",
    cost="As JumpReLU: more latents than those kept are computed while thresholds change.",
    system=154,
)
def mdl_sae(
    d_in: int,
    width: int,
    precision: float = 0.02,
    threshold: float = 0.2,
    bandwidth: float = 0.2,
) -> Dictionary:
    """`precision`: of the coded values, in units of the normalised activation; a finer one gives
    more active latents.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        JumpReLU(width, threshold, bandwidth),
        UnitNormDecoder(width, d_in),
        Objective([DescriptionLength(precision)]),
    )
