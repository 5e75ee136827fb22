"""Aaren: attention as a recurrence with a learnt query."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import Described
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.recipes.card import recipe
from sparsetime.sequence_models.recipes.inputs_and_outputs import next_step_model


@recipe(
    "aaren",
    title="Aaren",
    paper="Feng et al. 2024, Attention as an RNN, arXiv:2405.13956",
    idea="A query that does not depend on the step turns softmax attention into running sums.",
    claim="As accurate as transformers on series, with constant memory a token.",
    source_of_defaults="Sizes are the user's.",
    cost="Linear in length; a state of d + 2 heads numbers a layer.",
    system=267,
)
def aaren(
    d_in: int | None = None,
    vocabulary: int | None = None,
    d: int = 64,
    layers: int = 2,
    heads: int = 4,
    seed: int = 0,
) -> SequenceModel:
    """Blocks of prefix softmax."""
    mixers: list[Described] = [{"kind": "prefix_softmax", "heads": heads}]
    return next_step_model(mixers * layers, d_in, vocabulary, d, seed)
