"""JumpReLU sparsifier: a learnt threshold per latent."""

from __future__ import annotations

import math
from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support


@final
@component("jumprelu")
class JumpReLU(Sparsifier):
    """JumpReLU sparsifier.

        z_i = pre_i where pre_i > theta_i, else 0
        dz_i / dtheta_i = -(theta_i / bandwidth) where |pre_i - theta_i| < bandwidth / 2, else 0

    The second line is the straight-through gradient, which is why the training rule also keeps
    entries just below the threshold. Threshold and bandwidth are in units of the normalised
    activation, whose mean squared distance from the mean is 1.

    log_threshold: [width], the logarithm of theta. `threshold` is its start for an encoder with
    rows of unit length; where the first codes are scaled to fit the data, it is scaled with them.

    Source: Rajamanoharan et al. 2024, Jumping Ahead, arXiv:2407.14435.
    """

    latent_tensors = frozenset({"log_threshold"})
    divides_rows = True
    scale_free = True
    first_share = 1.0  # thresholds are too slow for codes that begin smaller and grow

    def __init__(self, width: int, threshold: float = 0.05, bandwidth: float = 0.05) -> None:
        if threshold <= 0 or bandwidth <= 0:
            raise ConfigError(
                f"got threshold={threshold} and bandwidth={bandwidth}, expected both above 0"
            )
        super().__init__(width=width, threshold=threshold, bandwidth=bandwidth)
        self.width, self.bandwidth = width, bandwidth
        self.log_threshold = nn.Parameter(torch.full((width,), threshold).log())

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.log_threshold.add_(math.log(factor))

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(
            (self.log_threshold.detach().exp() - self.bandwidth / 2).clamp_min(0)
        )

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        threshold = kernels.at_entries(self.log_threshold.exp(), support)
        out: Tensor = _Jump.apply(pre, threshold, self.bandwidth)  # type: ignore[no-untyped-call]
        return out

    def is_on(
        self, pre: Float[Tensor, " entries"], indices: Int[Tensor, " entries"]
    ) -> Float[Tensor, " entries"]:
        """1 above the threshold, 0 below, with the straight-through gradient to the threshold."""
        threshold = self.log_threshold.exp()[indices]
        out: Tensor = _IsOn.apply(pre, threshold, self.bandwidth)  # type: ignore[no-untyped-call]
        return out

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(self.log_threshold.detach().exp())

    def inference_gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre * (pre > self.log_threshold.exp()[support.indices])


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
