"""Window crosscoder (temporal crosscoder): one code for a window of time steps."""

from sparsetime.dictionaries.decoders.windowed import WindowedDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.windowed import WindowedEncoder
from sparsetime.dictionaries.objectives import AuxK, Objective
from sparsetime.dictionaries.objectives.window_mse import WindowMSE
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "window_crosscoder",
    title="Window crosscoder (temporal crosscoder)",
    paper="Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer Features and Model Diffing; for "
    "time: Crosscoding Through Time, workshop on mechanistic interpretability at ICML 2026",
    idea="Read and reconstruct the last few steps at once with one code, so that a pattern over "
    "several steps, or an order, is one latent with a temporal profile.",
    claim="Features of several steps, such as changes of mind in a chain of thought, are found "
    "better than by dictionaries of single steps.",
    source_of_defaults="Five steps and TopK: the public experiments with crosscoders over time. "
    "There windows are encoded separately; here every step has the code of the window that ends "
    "with it, so that codes have positions in time and a stream needs no future. Steps before "
    "the beginning count as the offset. `decode` reconstructs the step of the code, and "
    "`decoder.over_window` the whole window.",
    cost="As TopK on the joint dimensions of the window.",
)
def window_crosscoder(
    d_in: int,
    width: int,
    k: int = 32,
    window: int = 5,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`window`: number of steps that share a code; `decoder.profile` is [width, window, d_in]."""
    return Dictionary(
        WindowedEncoder(d_in, width, window),
        TopK(k),
        WindowedDecoder(width, d_in, window),
        Objective([WindowMSE(), AuxK(aux_k, aux_weight)]),
    )
