"""SAE Boost: a second dictionary of the residual of a first one."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.serialise import load
from sparsetime.dictionaries.skip_connections.frozen import FrozenSkip
from sparsetime.dictionaries.sparsifiers import BatchTopK


@recipe(
    "sae_boost",
    title="SAE Boost",
    paper="Koriagin et al. 2025, Teach Old SAEs New Domain Tricks with Boosting, arXiv:2507.12990",
    idea="Freeze a trained dictionary, train a second one on its residual in a new domain, and sum "
    "both reconstructions.",
    claim="Lower error in the domain, while general text changes by less than 1%.",
    source_of_defaults="BatchTopK, and no separate offset of the residual, are the paper's "
    "according to summaries; aux-k is that of TopK.",
    cost="As BatchTopK plus encoding and decoding by the first dictionary.",
    system=150,
)
def sae_boost(
    d_in: int,
    width: int,
    first: str | None = None,
    k: int = 5,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`first`: folder or URL of the dictionary to boost; None makes the
    first dictionary of a series. `k`: latents of the second dictionary, on top of the first one's.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        BatchTopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
        skip=None if first is None else FrozenSkip.of(load(first)),
    )
