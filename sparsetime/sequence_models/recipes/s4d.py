"""S4D: diagonal state spaces."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import Described
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.recipes.card import recipe
from sparsetime.sequence_models.recipes.inputs_and_outputs import next_step_model


@recipe(
    "s4d",
    title="S4D",
    paper="Gu et al. 2022, S4D: diagonal state space models, arXiv:2206.11893",
    idea="A diagonal state space of damped oscillators does what S4's structured matrix does.",
    claim="Close to S4 on long sequences, with a kernel of two lines.",
    source_of_defaults="The initialisation S4D-Lin; sizes are the user's.",
    cost="Linear in length; a state of 2 d states numbers a layer.",
)
def s4d(
    d_in: int | None = None,
    vocabulary: int | None = None,
    d: int = 64,
    layers: int = 2,
    states: int = 16,
    seed: int = 0,
) -> SequenceModel:
    """Blocks of diagonal state spaces. states: complex numbers that a channel keeps."""
    mixers: list[Described] = ["state_space"] * layers
    return next_step_model(mixers, d_in, vocabulary, d, seed, states=states)
