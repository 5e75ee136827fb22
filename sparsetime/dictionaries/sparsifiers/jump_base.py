"""Base class of sparsifiers with a threshold per latent and a straight-through gradient."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier
from sparsetime.kernels import Rule, Support


class JumpBase(Sparsifier):
    """Base class of sparsifiers that keep what exceeds a threshold; kinds differ in its parameter.

        z_i = pre_i where pre_i > theta_i, else 0
        dz_i / dtheta_i = -(theta_i / w_i) where |pre_i - theta_i| < w_i / 2, else 0

    w_i = window * theta_i. The second line is the straight-through gradient, which is why the
    training rule also keeps entries just below the threshold.
    """

    divides_rows = True
    scale_free = True
    first_share = 1.0  # thresholds are too slow for codes that begin smaller and grow

    @abstractmethod
    def thresholds(self) -> Float[Tensor, " width"]:
        """The thresholds, at least 0, with gradients to their parameter."""

    @property
    @abstractmethod
    def window(self) -> float:
        """Width of the window around a threshold, as a multiple of the threshold."""

    def training_rule(self, inputs: EncoderInput) -> Rule:
        share = max(0.0, 1 - self.window / 2)
        return kernels.ThresholdRule(self.thresholds().detach() * share)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        threshold = kernels.at_entries(self.thresholds(), support)
        out: Tensor = _Jump.apply(pre, threshold, self.window)  # type: ignore[no-untyped-call]
        return out

    def is_on(
        self, pre: Float[Tensor, " entries"], indices: Int[Tensor, " entries"]
    ) -> Float[Tensor, " entries"]:
        """1 above the threshold, 0 below, with the straight-through gradient to the threshold."""
        threshold = self.thresholds()[indices]
        out: Tensor = _IsOn.apply(pre, threshold, self.window)  # type: ignore[no-untyped-call]
        return out

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(self.thresholds().detach())

    def inference_gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre * (pre > self.thresholds()[support.indices])


class _Jump(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, window: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.window = window
        return pre * (pre > threshold)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        pre, threshold = ctx.saved_tensors
        near = (pre - threshold).abs() < threshold * (ctx.window / 2)
        to_threshold = near * (-grads[0] / ctx.window)
        return grads[0] * (pre > threshold), to_threshold, None


class _IsOn(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, window: float) -> Tensor:
        ctx.save_for_backward(pre, threshold)
        ctx.window = window
        return (pre > threshold).to(pre.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor, None]:
        pre, threshold = ctx.saved_tensors
        near = (pre - threshold).abs() < threshold * (ctx.window / 2)
        return None, near * (-grads[0] / (threshold * ctx.window)), None
