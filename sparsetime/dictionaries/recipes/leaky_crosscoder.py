"""Leaky crosscoder: running means of the codes of a window crosscoder."""

from sparsetime.dictionaries.decoders.windowed import WindowedDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.windowed import WindowedEncoder
from sparsetime.dictionaries.objectives import AuxK, Objective
from sparsetime.dictionaries.objectives.window_mse import WindowMSE
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers.leaky_mean import LeakyMean


@recipe(
    "leaky_crosscoder",
    title="Leaky crosscoder",
    paper="This library's. The inner dictionary is Lindsey et al. 2024, Sparse Crosscoders for "
    "Cross-Layer Features and Model Diffing, over time; the mean is Brown 1959, Statistical "
    "Forecasting for Inventory Control",
    idea="Latents of short windows are a nonlinear function of which steps follow each other; the "
    "running mean of their codes adds up that evidence over a whole sequence.",
    claim="A hidden variable that lasts as long as a sequence, and shows only in which steps "
    "follow each other, is read from its codes better than from those of the window crosscoder.",
    source_of_defaults="A decay of 0.95 (half of the weight on the last 14 steps) and a window of "
    "8 steps were chosen on another world than those reported.",
    cost="As the window crosscoder; in inference a pass over all latents a step.",
)
def leaky_crosscoder(
    d_in: int,
    width: int,
    k: int = 32,
    window: int = 8,
    decay: float = 0.95,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`window`: number of steps that share a code; `decay`: weight of a step relative to the next.

    In inference a row has more than k active latents.
    """
    return Dictionary(
        WindowedEncoder(d_in, width, window),
        LeakyMean(width, {"kind": "top_k", "k": k}, decay),
        WindowedDecoder(width, d_in, window),
        Objective([WindowMSE(), AuxK(aux_k, aux_weight)]),
    )
