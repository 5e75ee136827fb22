"""Base class of remainders: the role that stands for the keys that are not read."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from sparsetime.attention.component import AttentionComponent
from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention_pattern import AttentionPattern


class Remainder(AttentionComponent):
    """Estimates the attention over readable keys that the pattern leaves out."""

    role = "remainder"

    @abstractmethod
    def rest(
        self, inputs: AttentionInputs, grid: UnitGrid, pattern: AttentionPattern
    ) -> tuple[Tensor, Tensor] | None:
        """Output [batch, heads, queries, d] and log-sum-exp of the keys that were left out.

        None for nothing. The policy merges it with the exact part by the log-sum-exp.
        """
