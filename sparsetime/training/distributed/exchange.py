"""Sums and gathers over the processes of one dimension of a mesh, with errors in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, final

import torch
import torch.distributed as dist
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.distributed.distributed_c10d import _get_default_store

from sparsetime.errors import ProcessError

_STOPPED = "sparsetime/stopped/"
_PATIENCE = 2.0  # seconds, in which processes notice that one of them is lost


@final
class Exchange:
    """The processes of a group of torch.distributed, and what this one exchanges with them.

    number: this process's, from 0 to `size` (exclusive). device: of the tensors that the group
    exchanges.

    Errors of all methods: ProcessError where another process ended, or does not answer before the
    timeout of the group.
    """

    def __init__(self, group: dist.ProcessGroup, device: torch.device) -> None:
        self._group, self.device = group, device
        self.size = dist.get_world_size(group)
        self.number = dist.get_rank(group)

    def total(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """The sum over processes, the same bits on all of them."""
        return self._reduced(own, dist.ReduceOp.SUM)

    def least(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """The minimum over processes."""
        return self._reduced(own, dist.ReduceOp.MIN)

    def most(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """The maximum over processes."""
        return self._reduced(own, dist.ReduceOp.MAX)

    def gather(self, own: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, processes * shape]:
        """The tensors of all processes, which have one shape, by the process's number."""
        if self.size == 1:
            return own.detach()[None]
        whole = own.new_empty(self.size, *own.shape)
        parts = list(whole)  # views
        self._answered(lambda: dist.all_gather(parts, own.detach().contiguous(), self._group))
        return whole

    def count(self, own: int) -> int:
        """The sum of whole numbers over processes."""
        return int(self.total(torch.tensor(own, device=self.device)))

    def gather_text(self, own: str) -> list[str]:
        """The texts of all processes, by the process's number."""
        data = torch.tensor(list(own.encode()), dtype=torch.uint8, device=self.device)
        sizes = self.gather(torch.tensor(len(data), device=self.device))
        padded = data.new_zeros(int(sizes.max()))
        padded[: len(data)] = data
        texts = zip(self.gather(padded), sizes.tolist(), strict=True)
        return [bytes(text[:size].tolist()).decode() for text, size in texts]

    def wait(self) -> None:
        """Wait until all processes come here."""
        self.total(torch.zeros(1, device=self.device))

    def summed(self, own: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """`total` with a gradient: that of the sum, to the own summand.

        Every process computes the whole loss, so the gradients of the sums are equal already, and
        the backward pass exchanges nothing.
        """
        if self.size == 1:
            return own
        out: Tensor = _Summed.apply(own, self)  # type: ignore[no-untyped-call]
        return out

    def _reduced(self, own: Tensor, operation: Any) -> Tensor:
        whole = own.detach().clone(memory_format=torch.contiguous_format)
        if self.size > 1:
            self._answered(lambda: dist.all_reduce(whole, operation, self._group))
        return whole

    def _answered(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except RuntimeError as error:  # torch's own errors of a connection are all of this class
            why = str(error).strip().splitlines()[0].partition(". This is typically")[0][-120:]
            raise ProcessError(
                f"process {dist.get_rank()} of {dist.get_world_size()} stops: {_missing()} ended, "
                f"or did not answer within the timeout of the process group ({why}). Look at its "
                "output for the cause, then start all processes again: an interrupted run resumes "
                "from its last checkpoint"
            ) from error


def _missing() -> str:
    """The processes that do not notice the failure themselves: those that ended, or hang.

    Each that does leaves a mark in the store in which the processes met.
    """
    number = dist.get_rank()
    try:
        store = _get_default_store()
        store.set(f"{_STOPPED}{number}", "")
        time.sleep(_PATIENCE)
        others = (n for n in range(dist.get_world_size()) if n != number)
        silent = [str(n) for n in others if not store.check([f"{_STOPPED}{n}"])]
    except (RuntimeError, ValueError):  # the store ended with the process that kept it
        silent = []
    if not silent:
        return "another process"
    return f"process{'es' if len(silent) > 1 else ''} {', '.join(silent)}"


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Tensor, exchange: Exchange) -> Tensor:
        return exchange.total(own)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return grads[0], None
