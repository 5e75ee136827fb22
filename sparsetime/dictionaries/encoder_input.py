"""Input of encoders: normalised rows with their segments and recurrent state."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.sampling.batch import Batch
from sparsetime.segments import Segments
from sparsetime.state import RecurrentState


@dataclass(frozen=True)
class EncoderInput:
    """Input of encoders and sparsifiers.

    x: [rows, d_in], normalised and without the offset; the earlier rows of a batch follow its own
    rows.
    batch: the raw batch in training, None when encoding, where a row's code may depend on
    the row and its past alone.
    progress: completed share of training, from 0 to 1; 1 when encoding.
    segments: contiguous rows in time; None in training where no component needs them.
    state: recurrent state of the components before the first row of every segment.
    dtype: what a product that only selects may be multiplied in, in training.
    """

    x: Float[Tensor, "rows d"]
    batch: Batch | None = None
    progress: float = 1.0
    segments: Segments | None = None
    state: RecurrentState = field(default_factory=RecurrentState)
    dtype: torch.dtype = torch.float32

    @property
    def in_time(self) -> Segments:
        """The segments; without an order in time, one for every row."""
        if self.segments is not None:
            return self.segments
        return Segments.even(self.x.shape[0], 1, self.x.device)
