"""k-sparse autoencoder: a linear autoencoder that keeps its k largest hidden units."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import TiedEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "k_sparse",
    title="k-sparse autoencoder",
    paper="Makhzani, Frey 2013, k-Sparse Autoencoders, arXiv:1312.5663",
    idea="A linear autoencoder with one set of weights, of whose hidden units only the k largest "
    "are kept: sparsity alone, without a penalty or a nonlinearity.",
    claim="A linear classifier of digits is more accurate on its codes than on pixels, and than on "
    "codes of a denoising autoencoder of the same size.",
    source_of_defaults="k is the user's, as in the paper; its schedule of a falling k and its "
    "larger k in inference are left out.",
    cost="Less than TopK: half the weights, and no auxiliary loss for dead latents.",
    system=144,
)
def k_sparse(d_in: int, width: int, k: int = 32) -> Dictionary:
    """Negative units are not kept here; where k units are positive, the code is the paper's."""
    return Dictionary(
        TiedEncoder(d_in, width), TopK(k), UnitNormDecoder(width, d_in), Objective([MSE()])
    )
