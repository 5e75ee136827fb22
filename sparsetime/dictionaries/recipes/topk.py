"""TopK SAE: the k largest latents of every row."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "topk",
    title="TopK SAE",
    paper="Gao et al. 2024, Scaling and evaluating sparse autoencoders, arXiv:2406.04093",
    idea="Sparsity by construction: the k largest latents are kept, and no penalty shrinks them.",
    claim="A better frontier of error against L0 than ReLU with L1, and few dead latents.",
    source_of_defaults="The weight 1/32 of aux-k is that of its appendix A. Aux-k takes a quarter "
    "of the dead latents, at most d_in / 2. The appendix always takes d_in / 2; where fewer are "
    "dead, all of them then reconstruct every row together. k and width are the user's.",
    cost="The unit of the costs of other recipes.",
    system=135,
)
def topk(
    d_in: int,
    width: int,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`aux_k`: dead latents that reconstruct the residual; None as in `AuxK`."""
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
