"""A code that changes only where its reconstruction is too far off."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import DeltaCoding


@recipe(
    "delta",
    title="Delta dictionary",
    paper="This library's, after Neil et al. 2017, Delta Networks for Optimized Recurrent Network "
    "Computation, arXiv:1612.05571",
    idea="The code of the last step is kept until its reconstruction is a tolerance worse than a "
    "fresh code's, and then only as many latents change as bring it back.",
    claim="Where features last, far fewer changes a step than BatchTopK at the same error; a quiet "
    "segment costs nothing, and the error of a step never drifts.",
    source_of_defaults="Ours; `sparsetime.claims.papers.dictionaries.delta` measures them.",
    cost="As BatchTopK; in use also three reconstructions of every step.",
)
def delta(
    d_in: int,
    width: int,
    k: int = 32,
    tolerance: float = 0.02,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`tolerance`: what keeping a code may add to the squared error of a step, as a share of the
    variance; `k`: of the fresh codes.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        DeltaCoding(width, {"kind": "batch_top_k", "k": k}, tolerance),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
