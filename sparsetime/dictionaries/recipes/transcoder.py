"""Transcoder: reconstruction of a module's output from its input."""

from sparsetime.dictionaries.decoders import UnitNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders import LinearEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.sparsifiers import TopK


@recipe(
    "transcoder",
    title="Transcoder",
    paper="Dunefsky, Chlenski, Nanda 2024, Transcoders Find Interpretable LLM Feature Circuits, "
    "arXiv:2406.11944",
    idea="Read one site and reconstruct another, such as an MLP's output from its input, so that "
    "the latents replace the module.",
    claim="Latents as sparse, faithful and interpretable as those of SAEs, through which circuits "
    "can be read from weights.",
    source_of_defaults="Those of TopK, with which Paulo et al. 2025 (arXiv:2501.18823) train "
    "transcoders; the first paper has ReLU with L1.",
    cost="As TopK.",
)
def transcoder(
    d_in: int,
    width: int,
    d_out: int | None = None,
    k: int = 32,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`d_out`: dimension of the site that is reconstructed; None takes d_in."""
    out = d_out or d_in
    return Dictionary(
        LinearEncoder(d_in, width),
        TopK(k),
        UnitNormDecoder(width, out),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
        out_dims=(out,),
    )
