"""Linear maps with constant fan-in on the CPU: kept values and their places, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.errors import MismatchError
from sparsetime.kernels.loops.condensed import condensed

_SHORT = np.iinfo(np.uint16).max


@final
@dataclass(frozen=True, eq=False)
class CondensedMatrix:
    """A matrix [out, in] of which every live row has equally many entries.

    values: [out, fan_in] in float32, zero in rows without entries. places: their columns, in 16
    bits where those reach, since the loop waits for memory; unsigned, since numba checks signed
    ones for counting from the end. inputs: in.
    """

    values: Float[np.ndarray, "out fan_in"]
    places: np.ndarray
    inputs: int

    @staticmethod
    def from_mask(weight: Float[Tensor, "out in"], mask: Bool[Tensor, "out in"]) -> CondensedMatrix:
        """The kept entries of a matrix.

        Errors: MismatchError for live rows with unequally many entries.
        """
        counts = mask.sum(1)
        live = counts > 0
        sizes = counts[live].unique().tolist()
        if len(sizes) != 1:
            raise MismatchError(
                f"got rows with {min(sizes, default=0)} to {max(sizes, default=0)} entries, "
                "expected equally many in every row that has any; thin with structure='fan_in'"
            )
        out, inputs = mask.shape
        places = np.zeros((out, sizes[0]), np.uint16 if inputs <= _SHORT else np.uint32)
        values = np.zeros((out, sizes[0]), np.float32)
        rows = live.cpu().numpy()
        places[rows] = mask[live].nonzero()[:, 1].reshape(-1, sizes[0]).cpu().numpy()
        values[rows] = weight.detach().float()[mask].reshape(-1, sizes[0]).cpu().numpy()
        return CondensedMatrix(values, places, inputs)

    def product(
        self, x: Float[Tensor, "rows in"], bias: Float[Tensor, " out"] | None = None
    ) -> Float[Tensor, "rows out"]:
        """W x + bias, row by row, without gradient.

        Errors: MismatchError for rows of another length.
        """
        if x.shape[1] != self.inputs:
            raise MismatchError(
                f"got rows of {x.shape[1]} inputs for a condensed matrix, expected {self.inputs}"
            )
        result = torch.empty(len(x), len(self.values))
        offset = torch.zeros(len(self.values)) if bias is None else bias.detach().float()
        rows = np.ascontiguousarray(x.detach().float().numpy())
        condensed(rows, self.values, self.places, offset.numpy(), result.numpy())
        return result
