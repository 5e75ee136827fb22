"""What parts keep of the past of the streams that they encode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from jaxtyping import Bool
from torch import Tensor, nn


class ComponentState(ABC):
    """What one part keeps of the past of some streams, as large after a year as after a day."""

    @abstractmethod
    def reset(self, forgotten: Bool[Tensor, " streams"]) -> ComponentState:
        """The same state, in which the marked streams have no past."""


class RecurrentState:
    """The states of all parts of a dictionary that remember; empty before the first step.

    Whole sequences are encoded with a fresh memory, streams with one that goes from step to step:
    a part does the same in both, for the rows at hand and the past that it recalls.
    """

    def __init__(self) -> None:
        self._states: dict[nn.Module, ComponentState] = {}

    def get(self, part: nn.Module) -> Any:
        """What the part kept last; None at the beginning."""
        return self._states.get(part)

    def set(self, part: nn.Module, state: ComponentState) -> None:
        """Keep this for the part's next rows."""
        self._states[part] = state

    def reset(self, streams: Bool[Tensor, " streams"]) -> None:
        """Forget the past of the marked streams, in every part."""
        self._states = {part: state.reset(streams) for part, state in self._states.items()}
