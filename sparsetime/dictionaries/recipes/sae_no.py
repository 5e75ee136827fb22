"""SAE neural operator (SAE-NO): atoms and encoder as functions on any grid."""

from sparsetime.dictionaries.decoders.fourier import FourierDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.fourier import FourierEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "sae_no",
    title="SAE neural operator (SAE-NO)",
    paper="Tolooshams, Shen, Anandkumar 2025, Sparse Autoencoder Neural Operators: Model Recovery "
    "in Function Spaces, arXiv:2509.03738",
    idea="Where activations are functions on a grid, atoms and encoder are functions of few "
    "Fourier modes, so that smooth concepts are found sooner and other grids can be encoded.",
    claim="Recovers smooth atoms in fewer steps than a plain SAE, and gives the same codes at "
    "other sampling resolutions.",
    source_of_defaults="A quarter of the modes that the points resolve; a latent is a number, and "
    "not a function as in the paper. Written from the abstract and accounts of it.",
    cost="As TopK and two products of width, modes and points. Not for activations whose "
    "dimensions have no order, such as those of a language model.",
    system=147,
)
def sae_no(
    d_in: int,
    width: int,
    k: int = 32,
    modes: int | None = None,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`modes`: Fourier modes of every atom, the constant among them; None takes a quarter of
    those that d_in points resolve. `at_resolution`
    (`sparsetime.dictionaries.function_spaces.resolution`) moves a trained one to another grid.
    """
    count = modes or max(1, (d_in + 1) // 8)
    return Dictionary(
        FourierEncoder(d_in, width, count),
        TopK(k),
        FourierDecoder(width, d_in, count),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
