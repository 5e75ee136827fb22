"""Transformer: causal softmax attention."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import Described
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.recipes.card import recipe
from sparsetime.sequence_models.recipes.inputs_and_outputs import next_step_model


@recipe(
    "transformer",
    title="Transformer",
    paper="Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762",
    idea="A step reads every earlier step, weighted by the likeness of a query and its key.",
    claim="Better translation than recurrent networks, at less training.",
    source_of_defaults="A short convolution stands in place of positions; sizes are the user's.",
    cost="Quadratic in length; the state grows with every step.",
    system=None,
)
def transformer(
    d_in: int | None = None,
    vocabulary: int | None = None,
    d: int = 64,
    layers: int = 2,
    heads: int = 4,
    seed: int = 0,
) -> SequenceModel:
    """Blocks of a short convolution and of attention to all earlier steps."""
    mixers: list[Described] = ["conv", {"kind": "attention", "heads": heads}]
    return next_step_model(mixers * layers, d_in, vocabulary, d, seed)
