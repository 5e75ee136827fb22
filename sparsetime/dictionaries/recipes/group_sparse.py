"""SAE with a group lasso over related rows."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.objectives.group_l1 import GroupL1
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import ReLU


@recipe(
    "group_sparse",
    title="SAE with group sparsity across related rows",
    paper="After SparseJEPA 2025, Sparse Representation Learning of Joint Embedding Predictive "
    "Architectures",
    idea="The penalty is on the joint norm of a latent's values in a row and its partner, so that "
    "related rows share few latents.",
    claim="Fewer active groups of latents, while linear probes stay as accurate.",
    source_of_defaults="Written from the abstract, for frozen activations instead of an encoder "
    "in training; the weight was chosen here for activations of unit spread.",
    cost="As ReLU with L1 for twice the rows.",
    system=36,
)
def group_sparse(d_in: int, width: int, group_l1: float = 0.05) -> Dictionary:
    """`group_l1`: weight of the penalty. Each row's partner is given as `earlier`."""
    return Dictionary(
        LinearEncoder(d_in, width),
        ReLU(),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), GroupL1(group_l1)]),
    )
