"""SAE with replacing traces: how long ago each latent fired."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers.replacing_trace import ReplacingTrace


@recipe(
    "replacing_trace",
    title="SAE with replacing traces",
    paper="This library's; the trace is Singh, Sutton 1996, Reinforcement learning with replacing "
    "eligibility traces, Machine Learning 22. The inner dictionary is Bussmann, Leask, Nanda 2024, "
    "BatchTopK Sparse Autoencoders, arXiv:2412.06410",
    idea="Where a lasting state is seen only now and then, a latent says how long ago it was seen, "
    "and not only whether it is seen now.",
    claim="Hidden states that are seen through unreliable emissions are read from its codes better "
    "than from those of BatchTopK and of a leaky mean of them.",
    source_of_defaults="A decay of 0.6 a step was the best of five on another world than those "
    "reported.",
    cost="As BatchTopK; in inference a pass over all latents a step.",
)
def replacing_trace(
    d_in: int,
    width: int,
    k: int = 32,
    decay: float = 0.6,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`decay`: what is left of a value after a step without it.

    In inference a row has more than k active latents.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        ReplacingTrace(width, {"kind": "batch_top_k", "k": k}, decay),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
