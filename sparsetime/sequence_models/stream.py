"""SequenceStream: a sequence model along streams that never end, one step or piece at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from sparsetime.errors import DataError
from sparsetime.state import RecurrentState


@final
class SequenceStream:
    """Vectors of one step after another, with what the mixers carry between them.

    encode: the model's vectors of a piece [streams, steps, ...], given a state.
    """

    def __init__(self, encode: Callable[[Tensor, RecurrentState], Tensor], streams: int) -> None:
        if streams < 1:
            raise DataError(f"got streams={streams}, expected at least 1")
        self._encode, self.streams = encode, streams
        self.state = RecurrentState()
        self.steps = 0

    @torch.no_grad()
    def step(self, x: Shaped[Tensor, ...]) -> Float[Tensor, "*streams d"]:
        """The vector of the next step, [d] for one stream and [streams, d] for several.

        x: one step, such as a symbol or values [d_in]; with the streams in front where there are
        several.

        Errors: DataError for another number of streams.
        """
        x = torch.as_tensor(x)
        vectors = self.piece(x[None, None] if self.streams == 1 else x[:, None])
        return vectors[0, 0] if self.streams == 1 else vectors[:, 0]

    @torch.no_grad()
    def piece(self, x: Shaped[Tensor, "streams steps ..."]) -> Float[Tensor, "streams steps d"]:
        """The vectors of the next steps, of any number. Errors: as `step`."""
        if x.shape[0] != self.streams:
            raise DataError(f"got {x.shape[0]} streams, expected {self.streams}")
        vectors = self._encode(x, self.state)
        self.steps += x.shape[1]
        return vectors

    def reset(self, streams: Bool[Tensor, " streams"] | None = None) -> None:
        """Remove the past of the marked streams, or of all."""
        self.state.reset(torch.ones(self.streams, dtype=torch.bool) if streams is None else streams)
