"""What the parts see of the rows that are being encoded."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.sampling.batch import Batch
from sparsetime.segments import Segments
from sparsetime.state import RecurrentState


@dataclass(frozen=True)
class EncoderInput:
    """Rows on their way into a code.

    x: [rows, d_in], normalised and without the offset, as the encoder sees them; where a batch
    brings earlier rows, these follow the batch's own.
    batch: the raw batch in training, None when encoding, where a row's code may depend on
    the row and its past alone.
    progress: how much of the training is over, from 0 to 1; 1 when encoding.
    segments: which rows follow each other in time; None in training where no part needs it.
    state: what parts kept of what went before the first row of every segment.
    """

    x: Float[Tensor, "rows d"]
    batch: Batch | None = None
    progress: float = 1.0
    segments: Segments | None = None
    state: RecurrentState = field(default_factory=RecurrentState)

    @property
    def in_time(self) -> Segments:
        """The segments; every row is one of its own where nothing is known of their order."""
        if self.segments is not None:
            return self.segments
        return Segments.even(self.x.shape[0], 1, self.x.device)
