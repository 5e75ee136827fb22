"""First-order end-to-end SAE: squared error along the gradient of the model's loss."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.objectives.gradient_mse import GradientMSE
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "end_to_end_gradient",
    title="End-to-end SAE, gradients only",
    paper="After Braun et al. 2024, Identifying Functionally Important Features with End-to-End "
    "Sparse Dictionary Learning, arXiv:2405.12241; the simplification is ours",
    idea="Weight the error by the gradient of the model's loss, computed once, instead of running "
    "the model at every step.",
    claim="Spliced in, it raises the model's loss less than TopK of equal k.",
    source_of_defaults="Those of TopK; the weight of the gradient term, the best of 0.3, 1, 3 and "
    "10, was chosen here on the code model, on two seeds and documents that no claim reports.",
    cost="As TopK, once the gradients are computed.",
)
def end_to_end_gradient(
    d_in: int,
    width: int,
    k: int = 32,
    gradient: float = 3.0,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`gradient`: weight of the squared error along the gradient.

    `sparsetime.activations.sources.model_loss.rows_with_gradients` makes such rows.
    """
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, d_in),
        Objective([MSE(), GradientMSE(gradient), AuxK(aux_k, aux_weight)]),
    )
