"""The last code of every stream: all that a sparsifier with hysteresis needs of the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.segments import Segments
from sparsetime.state import ComponentState


@final
@dataclass(frozen=True)
class PreviousCode(ComponentState):
    """The code of the last step of every stream; no entries where there was none.

    code: of shape `(streams,)`.
    """

    code: SparseCode

    @staticmethod
    def none(streams: int, width: int, like: Tensor) -> PreviousCode:
        """Of streams that have no past."""
        indices = torch.zeros(0, dtype=torch.int64, device=like.device)
        offsets = torch.zeros(streams + 1, dtype=torch.int64, device=like.device)
        return PreviousCode(SparseCode(offsets, indices, like.new_zeros(0), width, (streams,)))

    def after(self, code: SparseCode, segments: Segments) -> PreviousCode:
        """Once the segments have gone by, whose rows have this code."""
        if code.rows == 0:
            return self
        return PreviousCode(code.take(segments.offsets[1:] - 1))

    def reset(self, forgotten: Bool[Tensor, " streams"]) -> PreviousCode:
        return PreviousCode(self.code.keep(~forgotten[self.code.row_of_entry]))
