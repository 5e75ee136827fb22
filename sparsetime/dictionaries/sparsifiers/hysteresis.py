"""Hysteresis sparsifier: a lower threshold for latents that are already active."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.codes import SparseCode
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.wrapper import SparsifierWrapper
from sparsetime.dictionaries.state.previous_code import PreviousCode
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support
from sparsetime.segments import Segments


@final
@component("hysteresis", example={"inner": {"kind": "top_k", "k": 4}})
class Hysteresis(SparsifierWrapper):
    """Hysteresis around an inner sparsifier.

        a_i[t] = keep_i[t] or (a_i[t - 1] and pre_i[t] > low theta_i)
        z_i = the inner value where keep_i, else pre_i where a_i, else 0

    keep: the selection of the inner sparsifier. Where it keeps the k largest, the second condition
    is that pre_i is among the k / low largest. With low = 1 there is no state. Training is the
    inner sparsifier's.

    Source: Schmitt 1938, A thermionic trigger, Journal of Scientific Instruments 15, for two
    thresholds; their use on latents is this library's.
    """

    def __init__(self, width: int, inner: dict[str, Any], low: float = 0.5) -> None:
        if not 0 < low <= 1:
            raise ConfigError(
                f"got low={low}, expected a share of the threshold above 0 and at most 1"
            )
        super().__init__(width, inner, low=low)
        self.low = low

    def incompatibility(self, composition: Composition) -> str | None:
        if self.inner.is_stateful:
            return (
                f"hysteresis goes around a sparsifier without memory, and {self.inner.kind!r} has "
                "one: put 'hysteresis' inside, or leave it out"
            )
        if self.inner.needs_sparsity_penalty:
            return (
                f"the sparsifier {self.inner.kind!r} has neither a threshold nor a k that "
                "hysteresis could lower: take 'batch_top_k', 'top_k' or 'jumprelu'"
            )
        return super().incompatibility(composition)

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        """Selection rule of candidates, which are active if they were active before."""
        match self.inner.inference_rule(inputs):
            case kernels.ThresholdRule(threshold):
                return kernels.ThresholdRule(self.low * threshold)
            case kernels.TopKPerRowRule(k):
                return kernels.TopKPerRowRule((k / self.low).ceil().long().clamp_max(self.width))
            case kernels.TopKRule() | kernels.AbsTopKRule() as rule:
                return replace(rule, k=min(math.ceil(rule.k / self.low), self.width))
            case rule:
                return rule

    def code(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> SparseCode:
        segments = inputs.in_time
        gated = self.inner.inference_gate(pre, support, inputs)
        fires = self._kept(pre, support, inputs) & (gated != 0)
        values = torch.where(fires, gated, pre)
        code = SparseCode(support.offsets, support.indices, values, support.width, (support.rows,))
        past = inputs.state.get(self) or PreviousCode.none(segments.count, self.width, values)
        on = kernels.hysteresis(fires | _was_on(code, past, segments), support, segments.offsets)
        sustained = code.keep(on & (values != 0))
        inputs.state.set(self, past.after(sustained, segments))
        return sustained

    def _kept(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> Bool[Tensor, " entries"]:
        """The entries that the inner rule keeps on its own."""
        match self.inner.inference_rule(inputs):
            case kernels.ThresholdRule(threshold):
                return pre > (threshold[support.indices] if threshold.dim() else threshold)
            case kernels.TopKPerRowRule(k):
                return kernels.row_ranks(pre, support) < k[support.row_of_entry]
            case kernels.AbsTopKRule(k):
                return kernels.row_ranks(pre.abs(), support) < k
            case kernels.TopKRule(k):
                return kernels.row_ranks(pre, support) < k
            case _:
                return torch.ones_like(pre, dtype=torch.bool)


def _was_on(code: SparseCode, past: PreviousCode, segments: Segments) -> Bool[Tensor, " entries"]:
    """The entries of first rows whose latents are on in the code before their segment."""
    row = code.row_of_entry
    places = segments.of_row[row] * code.width + code.indices
    before = past.code.row_of_entry * code.width + past.code.indices
    return (segments.position[row] == 0) & torch.isin(places, before)
