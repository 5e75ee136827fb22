"""What the parts see of the rows that are being encoded."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.batch import Batch


@dataclass(frozen=True)
class Inputs:
    """Rows on their way into a code.

    x: [rows, d_in], normalised and without the offset, as the encoder sees them; where a batch
    brings earlier rows, these follow the batch's own.
    batch: the raw batch in training, None when encoding, where a row's code may depend on
    the row alone.
    progress: how much of the training is over, from 0 to 1; 1 when encoding.
    """

    x: Float[Tensor, "rows d"]
    batch: Batch | None = None
    progress: float = 1.0
