"""Miras: a memory with a robust loss and a retention gate."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import Described
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.recipes.card import recipe
from sparsetime.sequence_models.recipes.inputs_and_outputs import next_step_model


@recipe(
    "miras",
    title="Miras",
    paper="Behrouz et al. 2025, It's all connected, arXiv:2504.13173",
    idea="Loss, retention, shape and optimiser of an associative memory are choices of their own.",
    claim="A Huber loss resists outliers among keys and values.",
    source_of_defaults="A Huber loss that becomes linear at 0.5 and a retention gate, as in its "
    "model Yaad.",
    cost="Linear in length; a state of d * d / heads numbers a layer.",
    system=269,
)
def miras(
    d_in: int | None = None,
    vocabulary: int | None = None,
    d: int = 64,
    layers: int = 2,
    heads: int = 4,
    chunk: int = 16,
    seed: int = 0,
) -> SequenceModel:
    """Blocks of a short convolution and of a memory whose errors are clipped.

    chunk: steps whose errors are taken against one memory.
    """
    mixers: list[Described] = [
        "conv",
        {
            "kind": "associative",
            "heads": heads,
            "loss": "huber",
            "retention": "gate",
            "chunk": chunk,
        },
    ]
    return next_step_model(mixers * layers, d_in, vocabulary, d, seed)
