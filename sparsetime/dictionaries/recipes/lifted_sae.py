"""Lifted SAE (L-SAE): a dictionary learnt in a space of more dimensions."""

from sparsetime.dictionaries.decoders.lifted import LiftedDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.lifted import LiftedEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "lifted_sae",
    title="Lifted SAE (L-SAE)",
    paper="Tolooshams, Shen, Anandkumar 2025, Sparse Autoencoder Neural Operators: Model Recovery "
    "in Function Spaces, arXiv:2509.03738",
    idea="A linear map lifts activations before the encoder, another projects atoms back: the same "
    "dictionaries can be expressed, but gradient descent takes another path.",
    claim="Recovers atoms in fewer steps than a plain SAE, as if gradients were preconditioned.",
    source_of_defaults="Twice the dimensions, and liftings that preserve norms at the start, were "
    "chosen here. Written from the abstract and accounts of it.",
    cost="As TopK and a product of width, lifted and plain dimensions for each of the two maps.",
    system=147,
)
def lifted_sae(
    d_in: int,
    width: int,
    k: int = 32,
    lift: int | None = None,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`lift`: dimensions of the lifted space; None takes twice those of the activations."""
    size = lift or 2 * d_in
    return Dictionary(
        LiftedEncoder(d_in, width, size),
        TopK(k),
        LiftedDecoder(width, d_in, size),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
