"""Spectral crosscoder: a window crosscoder whose latents have a band of frequencies each."""

from sparsetime.dictionaries.decoders.spectral import SpectralDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.spectral import SpectralEncoder
from sparsetime.dictionaries.objectives import AuxK, Objective
from sparsetime.dictionaries.objectives.window_mse import WindowMSE
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "spectral_crosscoder",
    title="Spectral crosscoder",
    paper="TempBench and its spectral crosscoder, github.com/chainik1125/temp_xc (2026)",
    idea="Each latent reads and writes one band of frequencies of a window, so that slow and fast "
    "patterns do not share latents.",
    claim="The velocities of several tones at once are read from its codes better than from those "
    "of the window crosscoder.",
    source_of_defaults="Eight steps and four bands, the first of which holds the constant: its "
    "description. The Fourier basis is that of its later variant; TopK of all bands together, and "
    "the code of the window that ends with each step, are this library's. With `bands=1` it is the "
    "full-band crosscoder.",
    cost="As the window crosscoder, and a product of all weights with the basis a step.",
)
def spectral_crosscoder(
    d_in: int,
    width: int,
    k: int = 32,
    window: int = 8,
    bands: int = 4,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`window`: number of steps that share a code; `bands`: of frequencies, at most window / 2 + 1.

    `decoder.profile` is [width, window, d_in].
    """
    return Dictionary(
        SpectralEncoder(d_in, width, window, bands),
        TopK(k),
        SpectralDecoder(width, d_in, window, bands),
        Objective([WindowMSE(), AuxK(aux_k, aux_weight)]),
    )
