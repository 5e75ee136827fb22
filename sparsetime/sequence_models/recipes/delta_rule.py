"""DeltaNet: a fast-weight memory that writes what it does not yet predict."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import Described
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.sequence_models.recipes.card import recipe
from sparsetime.sequence_models.recipes.inputs_and_outputs import next_step_model


@recipe(
    "delta_rule",
    title="DeltaNet",
    paper="Schlag et al. 2021, Linear transformers are secretly fast weight programmers, "
    "arXiv:2102.11174",
    idea="A write replaces what the key held before, where linear attention adds to it.",
    claim="More associations are recalled from a state of equal size.",
    source_of_defaults="Keys of unit norm and a sigmoid rate, as in Yang et al. 2024, "
    "arXiv:2406.06484.",
    cost="Linear in length; a state of d * d / heads numbers a layer.",
    system=None,
)
def delta_rule(
    d_in: int | None = None,
    vocabulary: int | None = None,
    d: int = 64,
    layers: int = 2,
    heads: int = 4,
    seed: int = 0,
) -> SequenceModel:
    """Blocks of a short convolution and of a memory written by the delta rule."""
    mixers: list[Described] = ["conv", {"kind": "associative", "heads": heads, "loss": "squared"}]
    return next_step_model(mixers * layers, d_in, vocabulary, d, seed)
