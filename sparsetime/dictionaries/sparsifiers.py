"""Sparsifiers: which latents stay on, and how strong.

A sparsifier says a rule for selection (no gradient) and a gate for the selected pre-activations
(with gradient), for training and for inference. At inference a row's code never depends on the
other rows of its batch.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.dictionaries.part import Part, part
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule


class Sparsifier(Part):
    """What every sparsifier offers."""

    role = "sparsifier"

    @abstractmethod
    def training_rule(self) -> Rule:
        """Which places are kept of a training batch."""

    @abstractmethod
    def gate(
        self, pre: Float[Tensor, " entries"], indices: Int[Tensor, " entries"]
    ) -> Float[Tensor, " entries"]:
        """Strengths from the pre-activations at the kept places, with gradients."""

    @abstractmethod
    def inference_rule(self) -> Rule:
        """Which places can be on in a row, whatever batch it comes in."""

    @abstractmethod
    def inference_gate(
        self, pre: Float[Tensor, " entries"], indices: Int[Tensor, " entries"]
    ) -> Float[Tensor, " entries"]:
        """Strengths at inference; zero where the latent is off after all."""

    def observe(self, values: Float[Tensor, " entries"]) -> None:
        """Learn from the strengths of the batch just trained on. Most need not."""


@part("top_k")
class TopK(Sparsifier):
    """The k largest latents of every row (Gao et al. 2024, arXiv:2406.04093)."""

    def __init__(self, k: int) -> None:
        super().__init__(k=_checked_k(k))
        self.k = k

    def training_rule(self) -> Rule:
        return kernels.TopK(self.k)

    def gate(self, pre: Tensor, indices: Tensor) -> Tensor:
        return pre.relu()

    def inference_rule(self) -> Rule:
        return kernels.TopK(self.k)

    def inference_gate(self, pre: Tensor, indices: Tensor) -> Tensor:
        return pre.relu()


@part("batch_top_k")
class BatchTopK(Sparsifier):
    """The `k * rows` largest latents of a batch, so that rows share k as they need.

    At inference a latent is on above one learnt threshold: the running mean of the smallest
    strength that was kept (Bussmann et al. 2024, arXiv:2412.06410).

    `memory`: the share of the running mean that stays from one step to the next, in [0, 1).
    """

    threshold: Tensor
    batches_seen: Tensor

    def __init__(self, k: int, memory: float = 0.95) -> None:
        super().__init__(k=_checked_k(k), memory=memory)
        self.k, self.memory = k, memory
        self.register_buffer("threshold", torch.tensor(0.0))
        self.register_buffer("batches_seen", torch.tensor(0))

    def training_rule(self) -> Rule:
        return kernels.BatchTopK(self.k)

    def gate(self, pre: Tensor, indices: Tensor) -> Tensor:
        return pre.relu()

    def inference_rule(self) -> Rule:
        return kernels.Above(self.threshold)

    def inference_gate(self, pre: Tensor, indices: Tensor) -> Tensor:
        return pre * (pre > self.threshold)

    @torch.no_grad()
    def observe(self, values: Tensor) -> None:
        positive = values[values > 0]
        smallest = positive.min() if positive.numel() else torch.zeros_like(self.threshold)
        # The first batches weigh evenly, or the start at zero would linger in a short run.
        keep = (self.batches_seen / (self.batches_seen + 1)).clamp_max(self.memory)
        self.threshold.copy_(keep * self.threshold + (1 - keep) * smallest)
        self.batches_seen.add_(1)


@part("relu")
class ReLU(Sparsifier):
    """Every latent whose pre-activation is positive; sparse only if an objective makes it so."""

    def __init__(self) -> None:
        super().__init__()

    def training_rule(self) -> Rule:
        return kernels.Above(torch.tensor(0.0))

    def gate(self, pre: Tensor, indices: Tensor) -> Tensor:
        return pre.relu()

    def inference_rule(self) -> Rule:
        return kernels.Above(torch.tensor(0.0))

    def inference_gate(self, pre: Tensor, indices: Tensor) -> Tensor:
        return pre.relu()


@part("jumprelu")
class JumpReLU(Sparsifier):
    """A latent is on, at full strength, above its own learnt threshold.

    The threshold gets straight-through gradients from pre-activations within half a `bandwidth`
    of it (Rajamanoharan et al. 2024, arXiv:2407.14435), which is why the
    training rule also keeps the entries just below. Thresholds and bandwidth are in units of the
    normalised activation (mean squared distance from the mean is 1).
    """

    def __init__(self, width: int, threshold: float = 0.05, bandwidth: float = 0.05) -> None:
        if threshold <= 0 or bandwidth <= 0:
            raise ConfigError(
                f"threshold and bandwidth must be positive; given: {threshold} and {bandwidth}"
            )
        super().__init__(width=width, threshold=threshold, bandwidth=bandwidth)
        self.width, self.bandwidth = width, bandwidth
        self.log_threshold = nn.Parameter(torch.full((width,), threshold).log())

    def training_rule(self) -> Rule:
        return kernels.Above((self.log_threshold.detach().exp() - self.bandwidth / 2).clamp_min(0))

    def gate(self, pre: Tensor, indices: Tensor) -> Tensor:
        threshold = self.log_threshold.exp()[indices]
        out: Tensor = _Jump.apply(pre, threshold, self.bandwidth)  # type: ignore[no-untyped-call]
        return out

    def is_on(
        self, pre: Float[Tensor, " entries"], indices: Int[Tensor, " entries"]
    ) -> Float[Tensor, " entries"]:
        """1 above the threshold, 0 below, with the straight-through gradient to the threshold."""
        threshold = self.log_threshold.exp()[indices]
        out: Tensor = _IsOn.apply(pre, threshold, self.bandwidth)  # type: ignore[no-untyped-call]
        return out

    def inference_rule(self) -> Rule:
        return kernels.Above(self.log_threshold.detach().exp())

    def inference_gate(self, pre: Tensor, indices: Tensor) -> Tensor:
        return pre * (pre > self.log_threshold.exp()[indices])


class _Jump(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.bandwidth = bandwidth
        return pre * (pre > threshold)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        pre, threshold = ctx.saved_tensors
        near = (pre - threshold).abs() < ctx.bandwidth / 2
        to_threshold = -(threshold / ctx.bandwidth) * near * grads[0]
        return grads[0] * (pre > threshold), to_threshold, None


class _IsOn(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.bandwidth = bandwidth
        return (pre > threshold).to(pre.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor, None]:
        pre, threshold = ctx.saved_tensors
        near = (pre - threshold).abs() < ctx.bandwidth / 2
        return None, near * (-grads[0] / ctx.bandwidth), None


def _checked_k(k: int) -> int:
    if k < 1:
        raise ConfigError(f"k must be at least 1; given: {k}")
    return k
