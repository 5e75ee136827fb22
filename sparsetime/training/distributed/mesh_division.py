"""A dictionary divided over a mesh: its part on this process, and the gradients of all rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, final

import torch
from jaxtyping import Float
from safetensors.torch import save as save_tensors
from torch import Tensor

from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.kernels import GradientRows
from sparsetime.training.distributed.divide import check_divisible, latent_tensors, part_of
from sparsetime.training.distributed.mesh_partition import MeshPartition
from sparsetime.training.processes import Division

if TYPE_CHECKING:
    from sparsetime.training.distributed.mesh_processes import MeshProcesses

_BETWEEN_CHECKS = 100


@final
class MeshDivision(Division):
    """A dictionary of which this process trains every `latents.size`-th latent on some rows.

    The whole stays on every process, on its own device; it is read at the start, and written at
    snapshots and at the end. compare_every_batch: whether all processes compare all batches.
    """

    def __init__(
        self, whole: Dictionary, processes: MeshProcesses, compare_every_batch: bool
    ) -> None:
        check_divisible(whole, processes.latents.size, processes.row_groups.size)
        super().__init__(whole)
        self._processes = processes
        self._latents, self._row_groups = processes.latents, processes.row_groups
        self._mesh_partition = MeshPartition(
            self._latents, self._row_groups, processes.everyone, whole.width
        )
        self.partition = self._mesh_partition
        self.latent_tensors = latent_tensors(whole)
        self.part = part_of(whole, self._latents.number, self._latents.size, self._latents.device)
        self._batches = 0
        self._between_checks = 1 if compare_every_batch else _BETWEEN_CHECKS
        self.distribute()

    @torch.no_grad()
    def distribute(self) -> None:
        every = slice(self._latents.number, None, self._latents.size)
        whole = self.whole.state_dict()
        for name, own in self.part.state_dict().items():
            own.copy_(whole[name][every] if name in self.latent_tensors else whole[name])

    @torch.no_grad()
    def collect(self) -> None:
        part = self.part.state_dict()
        for name, whole in self.whole.state_dict().items():
            if name not in self.latent_tensors:
                whole.copy_(part[name])
                continue
            # Parts differ by at most one row, and a gather needs equal shapes.
            rows = -(-len(whole) // self._latents.size)
            padded = part[name].new_zeros(rows, *whole.shape[1:])
            padded[: len(part[name])] = part[name]
            whole.copy_(self._latents.gather(padded).transpose(0, 1).flatten(0, 1)[: len(whole)])

    def save(self, folder: str) -> None:
        self.collect()
        if self._processes.writes:
            serialise.save(self.whole, folder)
        self._processes.everyone.wait()

    def rows_of(self, batch: Batch) -> Batch:
        """The rows of this process.

        Every batch of data without a fingerprint, such as an iterator's, is compared with that of
        the others; else the first, and every hundredth after it. Errors: ProcessError where batches
        differ.
        """
        if self._batches % self._between_checks == 0:
            tensors = {name: t.contiguous() for name, t in batch.tensors.items()}
            digest = hashlib.sha256(save_tensors(tensors)).hexdigest()
            self._processes.check_equal({f"batch {self._batches} of this session": digest})
        self._batches += 1
        return self._mesh_partition.rows_of(batch)

    def gathered(self, own: Float[Tensor, "rows d"]) -> Float[Tensor, "all_rows d"]:
        groups = self._row_groups
        if groups.size == 1:
            return own
        counts = groups.gather(torch.tensor([len(own)], device=own.device))[:, 0].tolist()
        padded = own.new_zeros(max(counts), own.shape[1])
        padded[: len(own)] = own
        of_all = zip(groups.gather(padded), counts, strict=True)
        return torch.cat([rows[:count] for rows, count in of_all])

    def gradients(
        self, own: dict[str, GradientRows], like: Mapping[str, Tensor]
    ) -> dict[str, GradientRows]:
        """Sums over the groups of rows, of the rows of a matrix that some group touched."""
        if self._row_groups.size == 1:
            return own
        return {name: self._summed(own.get(name), tensor) for name, tensor in like.items()}

    def norm(self, norms: Mapping[str, Float[Tensor, ""]]) -> Float[Tensor, ""]:
        if self._latents.size == 1:
            return super().norm(norms)
        divided = [n.square() for name, n in norms.items() if name in self.latent_tensors]
        common = [n.square() for name, n in norms.items() if name not in self.latent_tensors]
        none = torch.zeros((), device=self._latents.device)
        squares = self._latents.total(sum(divided, none)) + sum(common, none)
        return squares.sqrt()

    def _summed(self, own: GradientRows | None, like: Tensor) -> GradientRows:
        groups = self._row_groups
        if like.dim() < 2:
            values = like.new_zeros(1, like.numel()) if own is None else own.values
            return GradientRows(groups.total(values))
        touched = torch.zeros(len(like), dtype=torch.uint8, device=like.device)
        indices = None if own is None else own.indices
        if own is not None:
            touched[slice(None) if indices is None else indices] = 1
        rows = groups.most(touched).nonzero()[:, 0]
        values = like.new_zeros(len(rows), like[0].numel())
        if own is not None:
            places = slice(None) if indices is None else torch.searchsorted(rows, indices)
            values[places] = own.values
        whole = len(rows) == len(like)
        return GradientRows(groups.total(values), None if whole else rows)
