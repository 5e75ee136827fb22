"""Delta dictionary: a code that changes only where its error exceeds a tolerance."""

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
    idea="The code of the last step is kept until its error exceeds that of a fresh code by a "
    "tolerance; then the fewest latents change that bring it within the tolerance.",
    claim="Where features last, far fewer changes a step than BatchTopK at the same error; a "
    "constant segment has no changes, and the error of a step does not drift.",
    source_of_defaults="Ours; `sparsetime.claims.papers.dictionaries.delta` measures them.",
    cost="As BatchTopK; in inference also three reconstructions of every step.",
)
def delta(
    d_in: int,
    width: int,
    k: int = 32,
    tolerance: float = 0.02,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`tolerance`: the most that a kept code adds to the squared error of a step, as a fraction of
    the variance; `k`: of the fresh codes.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        DeltaCoding(width, {"kind": "batch_top_k", "k": k}, tolerance),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
