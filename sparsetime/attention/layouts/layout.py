"""Base class of layouts: the role that cuts queries and keys into units."""

from __future__ import annotations

from abc import abstractmethod

from sparsetime.attention.component import AttentionComponent
from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs


class Layout(AttentionComponent):
    """Cuts the queries into tiles and the keys into units, the granularity of the selection."""

    role = "layout"

    def arranged(self, inputs: AttentionInputs) -> AttentionInputs:
        """The call with its keys in the order of the units; by default as it is."""
        return inputs

    @abstractmethod
    def grid(self, inputs: AttentionInputs) -> UnitGrid:
        """The grid of units of one arranged call."""
