"""Mamba: selective state spaces."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import Described
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.recipes.card import recipe
from sparsetime.sequence_models.recipes.inputs_and_outputs import next_step_model


@recipe(
    "mamba",
    title="Mamba",
    paper="Gu and Dao 2023, Mamba: linear-time sequence modeling, arXiv:2312.00752",
    idea="Step sizes and inputs of a diagonal state space depend on the data: it selects.",
    claim="As good as transformers of twice the size, at linear cost.",
    source_of_defaults="16 states a channel, twice as many channels as d and a convolution of 4 "
    "steps, as in its section 3.4; blocks have no channel of their own.",
    cost="Linear in length; a state of 38 d numbers a layer.",
)
def mamba(
    d_in: int | None = None,
    vocabulary: int | None = None,
    d: int = 64,
    layers: int = 2,
    states: int = 16,
    seed: int = 0,
) -> SequenceModel:
    """Blocks of selective scans. states: numbers that a channel keeps."""
    mixers: list[Described] = ["selective"] * layers
    return next_step_model(mixers, d_in, vocabulary, d, seed, states=states, channel=None)
