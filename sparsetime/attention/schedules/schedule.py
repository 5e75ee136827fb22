"""Base class of schedules: the role that decides at which steps keys are chosen again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from sparsetime.attention.component import AttentionComponent
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention_pattern import AttentionPattern


class Schedule(AttentionComponent):
    """Decides at which calls of a module its keys are chosen, reused, or all read."""

    role = "schedule"

    @abstractmethod
    def select(
        self, inputs: AttentionInputs, choose: Callable[[AttentionInputs], AttentionPattern]
    ) -> AttentionPattern | None:
        """The pattern of this call; None where it is dense. `choose` selects by the policy."""
