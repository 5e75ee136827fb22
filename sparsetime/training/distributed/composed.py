"""Encoder and decoder of all latents, of which every process has its own: what they exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.composition import ComposedDecoder, ComposedEncoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.kernels import Rule, Support
from sparsetime.kernels.selection_rules import BatchTopKRule
from sparsetime.segments import Segments
from sparsetime.training.distributed import batch_selection
from sparsetime.training.distributed.row_selection import largest_per_row

if TYPE_CHECKING:
    from sparsetime.training.distributed.mesh_partition import MeshPartition


@final
class DividedEncoder:
    """The encoder of a dictionary whose latents and rows are divided among processes.

    Every process selects among its own latents, and the processes agree on the bound. Indices of
    supports count this process's latents; `width` counts all.
    """

    def __init__(self, own: ComposedEncoder, partition: MeshPartition) -> None:
        if not isinstance(own, Encoder):
            raise TypeError(f"got {type(own).__name__}, expected an encoder of one process")
        self._own, self._partition = own, partition
        self.d_in, self.width = own.d_in, partition.width

    @property
    def kind(self) -> str:
        """The kind of the encoder."""
        return self._own.kind

    def read(self, inputs: EncoderInput) -> Float[Tensor, "rows m"]:
        """The rows that pre-activations are computed from."""
        return self._own.read(inputs)

    def encode_train(
        self, inputs: EncoderInput, rule: Rule, dtype: torch.dtype
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        """The selected entries of this process, and their pre-activations."""
        if self._partition.decides_alone(rule):
            return self._own.encode_train(inputs, rule, dtype)
        x = self.read(inputs)
        support = self._selected(x, rule, dtype)
        return support, self._own.preacts_at(x, support)

    @torch.no_grad()
    def _selected(self, x: Float[Tensor, "rows m"], rule: Rule, dtype: torch.dtype) -> Support:
        partition = self._partition
        match rule:
            case BatchTopKRule(k):
                return batch_selection.largest_of_batch(
                    lambda most: self._own.selected(x, BatchTopKRule(most), dtype),
                    k * partition.all_rows(len(x)),
                    batch_selection.first_proposals(k, partition.latents.size),
                    self._own.width,
                    partition.place,
                    partition.everyone,
                )
            case kernels.TopKRule(k):
                ks = torch.full((len(x),), k, device=x.device)
            case kernels.AbsTopKRule(k):
                ks = torch.full((len(x),), k, device=x.device)
            case kernels.TopKPerRowRule(k):
                ks = k
            case _:
                raise TypeError(f"got {rule}, expected a rule of training; encode in one process")
        by_size = isinstance(rule, kernels.AbsTopKRule)

        def propose(most: int, rows: Tensor | None) -> tuple[Support, Tensor]:
            some = x if rows is None else x[rows]
            wider = kernels.AbsTopKRule(most) if by_size else kernels.TopKRule(most)
            support, pre = self._own.selected(some, wider, dtype)
            return support, pre.abs() if by_size else pre

        return largest_per_row(propose, ks, self.width, partition.latents)

    @torch.no_grad()
    def topk_among(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"], k: int
    ) -> Support:
        """Select the own part of the k largest of a row among some latents of all processes.

        latents: those of this process.
        """
        if self._partition.has_all_latents:
            return self._own.topk_among(x, latents, k)

        def propose(most: int, rows: Tensor | None) -> tuple[Support, Tensor]:
            some = x if rows is None else x[rows]
            if not len(latents):
                offsets = torch.zeros(len(some) + 1, dtype=torch.int64, device=x.device)
                return Support(offsets, latents, self._own.width), x.new_zeros(0)
            support = self._own.topk_among(some, latents, min(most, len(latents)))
            return support, self._own.preacts_at(some, support)

        ks = torch.full((len(x),), k, device=x.device)
        return largest_per_row(propose, ks, self.width, self._partition.latents)

    def preacts_of(
        self, x: Float[Tensor, "rows m"], latents: Int[Tensor, " some"]
    ) -> Float[Tensor, "rows some"]:
        """Pre-activations of some latents of this process."""
        return self._own.preacts_of(x, latents)

    def preacts_at(self, x: Float[Tensor, "rows m"], support: Support) -> Float[Tensor, " entries"]:
        """Pre-activations at places of this process."""
        return self._own.preacts_at(x, support)


@final
class DividedDecoder:
    """The decoder of a dictionary whose latents are divided: each process decodes its own.

        x̂_n = bias + Σ_processes Σ_{own i} z_{n,i} · vectors_i

    groups: the ends of the nested prefixes among this process's latents.
    """

    def __init__(self, own: ComposedDecoder, partition: MeshPartition) -> None:
        self._own, self._partition = own, partition
        self.width, self.d_out, self.groups = own.width, own.d_out, own.groups
        self.bias = own.bias

    def vectors(self) -> Float[Tensor, "width d"]:
        """The directions of this process's latents."""
        return self._own.vectors()

    def written(self) -> Float[Tensor, "width m"]:
        """All that this process's latents write."""
        return self._own.written()

    def written_residual(
        self,
        residual: Float[Tensor, "rows d"],
        target: Float[Tensor, "rows d"],
        values: Float[Tensor, " entries"],
        support: Support,
        segments: Segments | None,
    ) -> tuple[Float[Tensor, "rows m"], Float[Tensor, "rows m"] | None]:
        """The residual of all latents, which is complete."""
        return self._own.written_residual(residual, target, values, support, segments)

    def decode(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "rows d"]:
        """The reconstruction by the latents of all processes."""
        decoded = kernels.decode(values, support, self.vectors())
        return self._partition.over_latents(decoded) + self.bias

    def decode_nested(
        self, values: Float[Tensor, " entries"], support: Support
    ) -> Float[Tensor, "groups rows d"]:
        """The reconstruction by each nested prefix of the latents of all processes."""
        own = self._own.decode_nested(values, support) - self.bias
        return self._partition.over_latents(own) + self.bias

    def squared_error(
        self,
        values: Float[Tensor, " entries"],
        support: Support,
        target: Float[Tensor, "rows d"],
        shares: tuple[float, ...] | None = None,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "rows d"]]:
        """Mean squared error, over this process's rows, of all latents; and the residual."""
        ends = (self.width,) if shares is None else self.groups
        return kernels.squared_error(
            values,
            support,
            self.vectors(),
            self.bias,
            target,
            ends,
            shares or (1.0,),
            self._partition.latents.total,
        )
