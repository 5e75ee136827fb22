"""BatchTopK whose latents stay on longer than they take to go on."""

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
    idea="A latent goes on above the learnt threshold and off only below a share of it, so that "
    "it does not flicker while its content hovers around the threshold.",
    claim="Where features last, less flicker than BatchTopK at the same mean L0 and nearly its "
    "error.",
    source_of_defaults="Ours; `sparsetime.claims.papers.dictionaries.hysteresis` measures them.",
    cost="As BatchTopK; in use also a comparison of neighbouring codes.",
)
def hysteresis(
    d_in: int,
    width: int,
    k: int = 32,
    low: float = 0.5,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`low`: the share of its threshold below which a latent goes off; in use a row has more than
    k latents on, since some only stay on.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        Hysteresis(width, {"kind": "batch_top_k", "k": k}, low),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
