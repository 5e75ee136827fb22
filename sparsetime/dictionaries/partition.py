"""Partition of a training step: which latents and rows this process computes, and their sums."""

from __future__ import annotations

from jaxtyping import Float, Shaped
from torch import Tensor

from sparsetime.dictionaries.composition import ComposedDecoder, ComposedEncoder


class Partition:
    """All latents and all rows of a batch: training in one process, where every sum is complete.

    Training on several processes divides the latents, the rows, or both
    (`training.distributed`). Components and loss terms that sum over latents or average over rows
    do it through a partition, so that each has one equation for any number of processes.

    Every process computes the whole loss. The gradient of a sum is therefore that of the process's
    own summand, and a backward pass exchanges nothing. This holds where what is computed from a sum
    is the same on all processes: sum first, and divide or take roots afterwards.
    """

    #: Whether this process has every latent.
    has_all_latents: bool = True

    def encoder(self, encoder: ComposedEncoder) -> ComposedEncoder:
        """The encoder of all latents, of which the given one has this process's."""
        return encoder

    def decoder(self, decoder: ComposedDecoder) -> ComposedDecoder:
        """The decoder of all latents, of which the given one has this process's."""
        return decoder

    def over_latents(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The sum over all latents from the sum over this process's latents."""
        return own

    def over_rows(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The mean over all rows of the batch from the mean over this process's rows."""
        return own

    def sum_over_rows(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The sum over all rows of the batch from the sum over this process's rows."""
        return own

    def sum_over_entries(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """The sum over all latents and rows from that over this process's; without gradient."""
        return own

    def least_over_rows(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """The minimum over all rows from that over this process's rows."""
        return own

    def least(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """The minimum over all latents and rows from that over this process's."""
        return own

    def count_latents(self, own: int) -> int:
        """The number of all latents of a set of which this process has `own`."""
        return own

    def all_latents(self, own: int) -> int:
        """The width of the dictionary, of whose latents this process has `own`."""
        return own

    def all_rows(self, own: int) -> int:
        """The rows of the batch, of which this process has `own`."""
        return own


#: The partition of training in one process.
WHOLE = Partition()
