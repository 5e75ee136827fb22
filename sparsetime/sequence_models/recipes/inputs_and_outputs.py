"""Views and heads that recipes share: symbols are predicted as symbols, values as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sparsetime.errors import ConfigError
from sparsetime.sequence_models.compose_model import Described, compose_model
from sparsetime.sequence_models.model import SequenceModel


def next_step_model(
    mixers: Sequence[Described],
    d_in: int | None,
    vocabulary: int | None,
    d: int,
    seed: int,
    **settings: Any,
) -> SequenceModel:
    """Blocks of mixers that predict the next symbol of a vocabulary, or the next d_in values.

    Without both, the model has one channel of values.

    Errors: ConfigError where both are given.
    """
    if vocabulary is not None and d_in is not None:
        raise ConfigError(
            f"got vocabulary={vocabulary} and d_in={d_in}, expected one of them: symbols have a "
            "vocabulary, values have d_in channels"
        )
    if vocabulary is not None:
        return compose_model(
            "symbols", mixers, "next_symbol", d=d, seed=seed, vocabulary=vocabulary, **settings
        )
    return compose_model("values", mixers, "forecast", d=d, seed=seed, d_in=d_in or 1, **settings)
