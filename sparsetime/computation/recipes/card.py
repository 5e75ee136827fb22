"""Recipe cards of computation plans."""

from __future__ import annotations

from functools import cached_property
from typing import final

from sparsetime.computation.plan import Plan
from sparsetime.registry import Card


@final
class PlanCard(Card):
    """The card of a published method that leaves out computation; `make` takes its settings."""

    kind = "computation plan"
    reads = "a model"

    @property
    def components(self) -> dict[str, str]:
        return self._example.components

    @property
    def needs(self) -> frozenset[str]:
        """Of "data" for calibration, and "training" where it is attached to an optimiser."""
        return self._example.needs

    @property
    def acts_on(self) -> str:
        """What it makes sparse: "weights", "activations", "time" or "bits"."""
        return self._example.acts_on

    @property
    def takes_sparsity(self) -> bool:
        """Whether it takes a sparsity; rounding to few bits has settings of its own instead."""
        return self._example.takes_sparsity

    @cached_property
    def _example(self) -> Plan:
        made: Plan = self.make()
        return made


#: Decorator: register a function that composes a plan as a recipe.
recipe = PlanCard.register
