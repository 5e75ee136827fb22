"""Base class of the components of an attention policy, registered by role and kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

from torch import nn

from sparsetime.components import RegisteredComponent


@final
@dataclass(frozen=True)
class Knob:
    """The setting by which a component reads more or fewer keys.

    setting: its name. low, high: the values at which fewest and most keys are read; None stands for
    the number of keys. is_count: whether it is a whole number.
    """

    setting: str
    low: float
    high: float | None
    is_count: bool


class AttentionComponent(RegisteredComponent, nn.Module):
    """A component of an attention policy: layout, geometry, scorer, budget, remainder or schedule.

    What is fitted to data is a buffer or a parameter, so that it is saved.
    """

    #: What solves an equal budget; None where the component reads as many keys as others choose.
    knob: ClassVar[Knob | None] = None
    #: Whether it must be fitted to queries and keys of the model before use.
    needs_fit: ClassVar[bool] = False

    @property
    def is_fitted(self) -> bool:
        """Whether it has been fitted; components that need none are."""
        return not self.needs_fit

    def with_settings(self, **settings: Any) -> Self:
        """A copy with other settings, and what was fitted."""
        other = type(self).from_config({"kind": self.kind, **self.settings, **settings})
        other.load_state_dict(self.state_dict(), strict=False)
        return other
