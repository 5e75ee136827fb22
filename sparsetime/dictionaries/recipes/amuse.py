"""AMUSE: atoms identified by lagged covariances."""

from sparsetime.dictionaries.decoders.lagged_covariance import LaggedCovarianceDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.unmixing import UnmixingEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "amuse",
    title="AMUSE dictionary (second-order blind identification)",
    paper="Tong, Soon, Huang, Liu 1990, AMUSE: a new blind identification algorithm, ISCAS; "
    "Belouchrani et al. 1997, A blind source separation technique using second-order statistics",
    idea="Sources that are uncorrelated at every lag and differ in autocorrelation are the "
    "eigenvectors of whitened lagged covariances: time identifies what sparsity cannot.",
    claim="Of Gaussian sources that differ only in autocorrelation it finds the directions, which "
    "neither TopK nor the window crosscoder does.",
    source_of_defaults="The sum over four lags, latents of either sign and TopK of the values are "
    "this library's; the authors use one lag and all values.",
    cost="Products of activations with themselves, a lag each; no gradient. At most twice as many "
    "latents as dimensions have atoms.",
)
def amuse(d_in: int, width: int, k: int = 32, lags: int = 4) -> Dictionary:
    """`lags`: lagged covariances that are summed. `width` is even; half of the latents are the
    opposites of the others.
    """
    return Dictionary(
        UnmixingEncoder(d_in, width),
        TopK(k),
        LaggedCovarianceDecoder(width, d_in, lags),
        Objective([MSE()]),
    )
