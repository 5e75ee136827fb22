"""Leaky mean of codes: a latent keeps an exponentially weighted mean of its past values."""

from __future__ import annotations

from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode, offsets_of
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.sparsifiers.wrapper import SparsifierWrapper
from sparsetime.dictionaries.state.leaky_sum import LeakySum
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


@final
@component("leaky_mean", example={"inner": {"kind": "top_k", "k": 4}})
class LeakyMean(SparsifierWrapper):
    """Leaky mean of the codes of an inner sparsifier, from the start of the sequence.

        z̄_i[t] = Σ_l decay^l z_i[t - l] / Σ_l decay^l,    0 where its magnitude is below `floor`

    It integrates evidence of what lasts longer than a window: a hidden state shows in how often
    latents fire. The memory is about 1 / (1 - decay) steps. A code has more than k active latents,
    and its reconstruction is a mean of reconstructions. Training is the inner sparsifier's.

    floor: in units of the normalised activation. A step costs one pass over [sequences, width].

    Source: Brown 1959, Statistical Forecasting for Inventory Control, for exponential smoothing;
    its use on latents is this library's.
    """

    def __init__(
        self, width: int, inner: dict[str, Any], decay: float = 0.95, floor: float = 1e-3
    ) -> None:
        if not 0 <= decay < 1 or floor < 0:
            raise ConfigError(
                f"got decay={decay} and floor={floor}, expected a decay of at least 0 and below 1, "
                "and a floor of at least 0"
            )
        super().__init__(width, inner, decay=decay, floor=floor)
        self.decay, self.floor = decay, floor

    def code(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> SparseCode:
        segments = inputs.in_time
        fresh = self.inner.code(pre, support, inputs)
        past = inputs.state.get(self) or LeakySum.none(segments.count, self.width, inputs.x)
        rows, latents, values = [], [], []
        for step in range(int(segments.lengths.max()) if segments.count else 0):
            has_step = step < segments.lengths
            now = (segments.offsets[:-1] + step)[has_step]
            dense = torch.zeros_like(past.values)
            dense[has_step] = fresh.take(now).dense()
            past = past.after(self.decay, dense, has_step)
            mean = past.values[has_step] / past.weight[has_step, None]
            at = (mean.abs() > self.floor).nonzero()
            rows.append(now[at[:, 0]])
            latents.append(at[:, 1])
            values.append(mean[at[:, 0], at[:, 1]])
        inputs.state.set(self, past)
        if not rows:
            return fresh
        row = torch.cat(rows)
        order = torch.argsort(row, stable=True)
        return SparseCode(
            offsets_of(row[order], fresh.rows),
            torch.cat(latents)[order],
            torch.cat(values)[order],
            self.width,
            fresh.shape,
        )
