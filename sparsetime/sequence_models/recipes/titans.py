"""Titans: a memory written by surprise, with momentum and forgetting, and a window."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import Described
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.recipes.card import recipe
from sparsetime.sequence_models.recipes.inputs_and_outputs import next_step_model


@recipe(
    "titans",
    title="Titans",
    paper="Behrouz et al. 2024, Titans: learning to memorize at test time, arXiv:2501.00663",
    idea="The gradient of the memory's error on a new association is its surprise, and is written.",
    claim="Recall far beyond the attention window, at linear cost.",
    source_of_defaults="Chunks of 16 steps and a window of 16, for short sequences. The memory is "
    "a matrix, the linear case of the paper.",
    cost="Linear in length; three matrices of d * d / heads numbers a layer, and the window.",
    system=266,
)
def titans(
    d_in: int | None = None,
    vocabulary: int | None = None,
    d: int = 64,
    layers: int = 2,
    heads: int = 4,
    window: int = 16,
    chunk: int = 16,
    seed: int = 0,
) -> SequenceModel:
    """Memory as a layer: each associative memory is followed by attention to a short window.

    window: steps that attention reads. chunk: steps whose surprise is taken at once.
    """
    mixers: list[Described] = [
        {
            "kind": "associative",
            "heads": heads,
            "loss": "squared",
            "retention": "gate",
            "momentum": True,
            "chunk": chunk,
        },
        {"kind": "attention", "heads": heads, "window": window},
    ]
    return next_step_model(mixers * layers, d_in, vocabulary, d, seed)
