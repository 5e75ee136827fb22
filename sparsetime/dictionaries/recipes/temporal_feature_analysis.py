"""Temporal feature analysis (TFA): predicted and novel parts of every step."""

from sparsetime.dictionaries.decoders.shared_pairs import SharedPairDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.temporal_prediction import TemporalPredictionEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "temporal_feature_analysis",
    title="Temporal Feature Analysis (TFA)",
    paper="Lubana et al. 2025, Priors in Time: Missing Inductive Biases for Language Model "
    "Interpretability, arXiv:2511.01836",
    idea="Attention over the codes of earlier steps predicts a part of each step, and only the "
    "residual is encoded.",
    claim="The predicted part encodes slow, contextual content, the novel part fast content.",
    source_of_defaults="Heads: the authors' public code. As there, predicted latents are as many "
    "as are positive, and scaled by the step's projection on what they predict. Other than "
    "there: the encoder is not tied and atoms have unit norm, as in the other recipes here; "
    "values go through `inner` dimensions and not through all latents, and attention "
    "reaches `past` steps back, so that cost and memory stay bounded; a first step has no "
    "prediction; a prediction of negative projection counts as none; and the attention starts "
    "as a mean of earlier steps weighted by similarity. The first half of the latents is "
    "predicted and the second novel; latent i and latent i + width / 2 share an atom, where the "
    "authors keep two codes of the same latents.",
    cost="Several times TopK: all pre-activations of half of the latents, and attention over them.",
)
def temporal_feature_analysis(
    d_in: int,
    width: int,
    k: int = 32,
    predicted: int | None = None,
    past: int = 64,
    inner: int | None = None,
    heads: int = 4,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`k`: novel latents a step; `predicted`: most predicted latents, None for all; `past`: earlier
    steps that attention reads; `inner` and `heads`: dimensions and heads of the attention.
    """
    return Dictionary(
        TemporalPredictionEncoder(d_in, width, predicted, past, inner, heads),
        TopK(k),
        SharedPairDecoder(width, d_in),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
    )
