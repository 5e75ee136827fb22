"""SAE with hysteresis: BatchTopK latents with a lower threshold to stay active."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import Hysteresis


@recipe(
    "hysteresis",
    title="SAE with hysteresis",
    paper="This library's; two thresholds are Schmitt 1938, A thermionic trigger. The inner "
    "dictionary is Bussmann, Leask, Nanda 2024, BatchTopK Sparse Autoencoders, arXiv:2412.06410",
    idea="A latent becomes active above the learnt threshold and inactive only below a fraction of "
    "it, so that it does not flicker near the threshold.",
    claim="Where features last, less flicker than BatchTopK at the same mean L0 and nearly its "
    "error.",
    source_of_defaults="Ours; `sparsetime.claims.papers.dictionaries.hysteresis` measures them.",
    cost="As BatchTopK; in inference also a comparison of neighbouring codes.",
)
def hysteresis(
    d_in: int,
    width: int,
    k: int = 32,
    low: float = 0.5,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`low`: fraction of its threshold below which a latent becomes inactive. In inference a row
    has more than k active latents, since some only stay active.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        Hysteresis(width, {"kind": "batch_top_k", "k": k}, low),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
