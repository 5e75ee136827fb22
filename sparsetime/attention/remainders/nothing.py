"""Remainder of nothing: keys that are not read do not count."""

from __future__ import annotations

from typing import final

from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.remainders.remainder import Remainder
from sparsetime.attention_pattern import AttentionPattern
from sparsetime.components import component


@final
@component("nothing")
class Nothing(Remainder):
    """Keys that are not read do not count.

        out = attention over the kept keys

    Source: none; the neutral element of this role.
    """

    def __init__(self) -> None:
        super().__init__()

    def rest(
        self, inputs: AttentionInputs, grid: UnitGrid, pattern: AttentionPattern
    ) -> tuple[Tensor, Tensor] | None:
        return None
