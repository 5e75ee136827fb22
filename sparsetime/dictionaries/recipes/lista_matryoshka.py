"""LISTA Matryoshka SAE: nested groups, a refined selection, and a k that falls."""

from sparsetime.dictionaries.decoders import UnitNormDecoder, prefix_ends
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LISTAEncoder
from sparsetime.dictionaries.objectives import AuxK, NestedMSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import FallingK


@recipe(
    "lista_matryoshka",
    title="LISTA Matryoshka SAE",
    paper="The composition is that of the entry to SynthSAEBench reported at F1 .97; LISTA is "
    "Gregor, LeCun 2010, nested groups Bussmann et al. 2025, arXiv:2503.17547",
    idea="A second reading takes away what other active latents explain, so that correlated "
    "features are not confused; groups keep parents general; k falls as latents specialise.",
    claim="A higher F1 on SynthSAEBench than Matryoshka BatchTopK of the same width and k.",
    source_of_defaults="One step of size 0.3 and k from 2.4 times its last value, as reported; the "
    "paper's five prefixes.",
    cost="As Matryoshka BatchTopK with a second selection.",
)
def lista_matryoshka(
    d_in: int,
    width: int,
    k: int = 32,
    steps: int = 1,
    step_size: float = 0.3,
    first_k: int | None = None,
    until: float = 0.5,
    fractions: tuple[float, ...] = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0),
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`first_k`: k at the first training step; by default 2.4 k. `until`: share of training after
    which it stays. `fractions`: the ends of the nested prefixes, as fractions of the width.
    """
    first = round(2.4 * k) if first_k is None else first_k
    return Dictionary(
        LISTAEncoder(d_in, width, k, steps, step_size),
        FallingK(width, {"kind": "batch_top_k", "k": k}, first, until),
        UnitNormDecoder(width, d_in, prefix_ends(width, fractions)),
        Objective([NestedMSE(), AuxK(aux_k, aux_weight)]),
    )
