"""Specialized SAE (SSAE): a dictionary of one domain with a tilted risk."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import AuxK, Objective
from sparsetime.dictionaries.objectives.tilted_mse import TiltedMSE
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "ssae",
    title="Specialized SAE (SSAE)",
    paper="Muhamed, Diab, Smith 2024, Decoding Dark Matter: Specialized Sparse Autoencoders for "
    "Interpreting Rare Concepts in Foundation Models, arXiv:2411.00743",
    idea="Train on rows retrieved for a domain, with a tilted risk, which gives rows of large "
    "error more weight.",
    claim="Latents for more rare concepts of its domain than a general dictionary at equal L0.",
    source_of_defaults="The tilt was chosen here; the choice of rows is the user's. On TopK, so "
    "that L0 is equal by construction.",
    cost="As TopK.",
    system=212,
)
def ssae(
    d_in: int,
    width: int,
    k: int = 32,
    tilt: float = 1.0,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`tilt`: weight of rows of large error, for squared errors in units of the variance of the
    activations.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([TiltedMSE(tilt), AuxK(aux_k, aux_weight)]),
    )
