"""Schedule that selects at every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.schedules.schedule import Schedule
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.components import component


@final
@component("every_step")
class EveryStep(Schedule):
    """Keys are chosen at every call.

        pattern_t = choose(q_t, K_t)

    Source: none; the neutral element of this role.
    """

    def __init__(self) -> None:
        super().__init__()

    def select(
        self, inputs: AttentionInputs, choose: Callable[[AttentionInputs], AttentionPattern]
    ) -> AttentionPattern | None:
        return choose(inputs)
