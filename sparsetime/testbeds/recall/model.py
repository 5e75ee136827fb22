"""The trainable body of the recall testbed: a convolution and the mixer in every layer."""

from __future__ import annotations

from sparsetime.sequence_models.compose_model import compose_model
from sparsetime.sequence_models.model import SequenceModel
from sparsetime.testbeds.recall.settings import RecallSettings


def fresh_model(settings: RecallSettings) -> SequenceModel:
    """An untrained model: symbols, `layers` times a convolution and the mixer, the next symbol.

    The convolution joins a value with the key before it. Without it one layer cannot recall, since
    a query would have to read the step after the key that it matches.
    """
    layer = [{"kind": "conv", "width": 3}, settings.mixer_config]
    return compose_model(
        "symbols",
        layer * settings.layers,
        "next_symbol",
        d=settings.d,
        channel=None,
        name="recall",
        seed=settings.seed,
        vocabulary=settings.task.vocabulary,
    )
