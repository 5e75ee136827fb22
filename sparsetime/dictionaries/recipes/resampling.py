"""TopK SAE whose dead latents are resampled."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.objectives.resample_dead import ResampleDead
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "resampling",
    title="SAE with resampling of dead latents",
    paper="Bricken et al. 2023, Towards Monosemanticity: Decomposing Language Models With "
    "Dictionary Learning; the sparsity is TopK, Gao et al. 2024, arXiv:2406.04093",
    idea="Several times in a training, dead latents start again as rows that the dictionary "
    "reconstructs badly.",
    claim="Fewer dead latents at the end than without, and a lower error.",
    source_of_defaults="Four times, as there, in the first half of the training. TopK in place of "
    "ReLU, and encoder rows as long as the others', where there they are a fifth of it, are this "
    "library's: a latent that is short never is among the k largest.",
    cost="As TopK without aux-k.",
)
def resampling(
    d_in: int,
    width: int,
    k: int = 32,
    times: int = 4,
    until: float = 0.5,
    scale: float = 1.0,
) -> Dictionary:
    """`times`: how often dead latents are reset, in the share `until` of the training; `scale`:
    length of their encoder rows relative to the others'.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), ResampleDead(times, until, scale)]),
    )
