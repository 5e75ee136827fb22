"""Base class of views: how a sequence becomes vectors over time."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from sparsetime.errors import ConfigError, DataError
from sparsetime.sequence_models.sequence_component import SequenceComponent
from sparsetime.sequence_models.views.positions import sine_positions
from sparsetime.sequence_models.views.vector_layout import VectorLayout


class ViewComponent(SequenceComponent):
    """A map of sequences [batch, steps, ...] to vectors [batch, time, d].

    stride, size: vector i stands for the `size` steps from i * stride on, so a captured row keeps
    its true time. places: vectors at each time, such as places of a frame. has_positions: whether a
    vector holds its place in the sequence. content_size: how many numbers of the input a vector
    stands for; None where it stands for a symbol.
    """

    role: ClassVar[str] = "view"
    stride: int = 1
    size: int = 1
    places: int = 1
    has_positions: bool = False
    content_size: int | None = None

    def forward(self, x: Shaped[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vectors of a batch of sequences, with their positions where the view has some."""
        vectors = self.embed(x)
        if self.has_positions:
            vectors = vectors + self.positions(self.layout(x.shape[1])).to(vectors)
        return vectors

    @abstractmethod
    def embed(self, x: Shaped[Tensor, "batch steps ..."]) -> Float[Tensor, "batch time d"]:
        """The vectors of a batch of sequences, without positions."""

    def positions(self, layout: VectorLayout) -> Float[Tensor, "time d"]:
        """What is added to the vectors for their place in the sequence: sines of the time.

        Errors: ConfigError for a view without positions.
        """
        if not self.has_positions:
            raise ConfigError(
                f"got the view {self.kind!r} without positions, expected vectors that hold their "
                "place in the sequence; give a view with positions=True, such as 'patches'"
            )
        return sine_positions(layout.times, int(self.settings["d"]))

    def content(
        self, x: Shaped[Tensor, "batch steps ..."]
    ) -> Float[Tensor, "batch time content_size"]:
        """The numbers of the input that each vector stands for, which a decoder can rebuild.

        Errors: ConfigError for a view of symbols.
        """
        raise ConfigError(
            f"got the view {self.kind!r}, whose vectors stand for symbols, expected a view of "
            "values; give one with d_in="
        )

    def layout(self, steps: int) -> VectorLayout:
        """How the vectors of a sequence of `steps` steps are arranged."""
        return VectorLayout(max(0, (steps - self.size) // self.stride + 1), self.places)

    def check_piece(self, steps: int) -> None:
        """Check that pieces of a sequence have the vectors that the whole of it has.

        Errors: ConfigError for positions, which count from the beginning of a piece, and for
        overlapping vectors; DataError for a piece that ends within a vector.
        """
        if self.has_positions:
            raise ConfigError(
                f"got a state for the view {self.kind!r} with positions, which count from the "
                "beginning of every piece, expected whole sequences, or positions=False"
            )
        if self.size > self.stride:
            raise ConfigError(
                f"got a state for overlapping patches (size={self.size}, stride={self.stride}), "
                "which end in the next piece, expected whole sequences; leave stride out"
            )
        if steps % self.stride:
            raise DataError(
                f"got a piece of {steps} steps with a state, expected a multiple of the "
                f"{self.stride} steps of a vector"
            )

    def spans(self, steps: int) -> Int[np.ndarray, "time 2"]:
        """The first step that each vector stands for, and the step after its last."""
        layout = self.layout(steps)
        starts = self.stride * np.repeat(np.arange(layout.times), layout.places)
        return np.stack([starts, starts + self.size], axis=1)
