"""Threshold on activation values in inference, around another sparsifier."""

from __future__ import annotations

from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.wrapper import SparsifierWrapper
from sparsetime.kernels import Support


@final
@component("value_threshold", example={"inner": {"kind": "top_k", "k": 4}})
class ValueThreshold(SparsifierWrapper):
    """Inner sparsifier whose small activation values are dropped in inference.

        inference:  z_i = y_i where |y_i| > theta, else 0

    y: the inner values; training is the inner sparsifier's, as is memory. threshold theta: [],
    which `Dictionary.at` sets from data.

    Source: ours; a dictionary trained with many active latents and read with few.
    """

    threshold: Tensor

    def __init__(self, width: int, inner: dict[str, Any]) -> None:
        super().__init__(width, inner)
        self.is_stateful = self.inner.is_stateful
        self.register_buffer("threshold", torch.tensor(0.0))

    @property
    def rule_kind(self) -> str:
        return self.inner.rule_kind

    def inference_gate(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> Float[Tensor, " entries"]:
        values = self.inner.inference_gate(pre, support, inputs)
        return values * (values.abs() > self.threshold)

    def code(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> SparseCode:
        code = self.inner.code(pre, support, inputs)
        return code.keep(code.values.abs() > self.threshold)
