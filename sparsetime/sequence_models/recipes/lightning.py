"""Lightning attention: linear attention with a fixed decay a head."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import Described
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.recipes.card import recipe
from sparsetime.sequence_models.recipes.inputs_and_outputs import next_step_model


@recipe(
    "lightning",
    title="Lightning attention",
    paper="Qin et al. 2024, Various lengths, constant speed, arXiv:2405.17381",
    idea="Linear attention within blocks by products and between blocks by a state, exactly.",
    claim="Time a token stays constant as sequences grow.",
    source_of_defaults="The decays are geometric over heads, as those of ALiBi; the size is the "
    "user's.",
    cost="Linear in length; a state of d * d / heads numbers a layer.",
    system=281,
)
def lightning(
    d_in: int | None = None,
    vocabulary: int | None = None,
    d: int = 64,
    layers: int = 2,
    heads: int = 4,
    seed: int = 0,
) -> SequenceModel:
    """Blocks of a short convolution and of linear attention that forgets at a fixed rate."""
    mixers: list[Described] = [
        "conv",
        {"kind": "associative", "heads": heads, "loss": "dot", "retention": "fixed"},
    ]
    return next_step_model(mixers * layers, d_in, vocabulary, d, seed)
