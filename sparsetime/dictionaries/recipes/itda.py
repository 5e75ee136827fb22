"""Inference-time decomposition of activations (ITDA): atoms that are activations."""

from sparsetime.dictionaries.decoders import DataPointDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import MatchingPursuitEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "itda",
    title="Inference-time decomposition of activations (ITDA)",
    paper="Leask, Nanda, Al Moubayed 2025, Inference-Time Decomposition of Activations (ITDA): A "
    "Scalable Approach to Interpreting Large Language Models, arXiv:2505.17769",
    idea="The atoms are the activations that matching pursuit reconstructs worst from earlier "
    "atoms: nothing is trained, and atoms can be compared between models.",
    claim="Built in a hundredth of an SAE's time and data, at some cost in error; the overlap of "
    "two models' atoms identifies corresponding layers.",
    source_of_defaults="The number of atoms added by a batch, width / 64, was chosen here; written "
    "from the abstract.",
    cost="k selection products a step, but few steps: 64 batches fill it, and later ones change "
    "nothing.",
    system=54,
)
def itda(d_in: int, width: int, k: int = 32, at_once: int | None = None) -> Dictionary:
    """`k`: iterations of the pursuit; `at_once`: the most atoms that a batch adds."""
    return Dictionary(
        MatchingPursuitEncoder(d_in, width),
        TopK(k),
        DataPointDecoder(width, d_in, at_once),
        Objective([MSE()]),
    )
