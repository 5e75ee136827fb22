"""Feature Choice sparsifier: every latent chooses its rows."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier, checked_k
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support

# Fraction of its threshold above which a latent's entries are candidates.
_LOOSE = 0.8
# Most active rows of a latent that count in an update of its threshold, as a multiple of its
# target plus one.
_SURPLUS = 4.0


@final
@component("feature_choice", example={"k": 4})
class FeatureChoice(Sparsifier):
    """Feature Choice sparsifier: every latent fires in a fixed number of the rows of a batch.

        training:   z_i = relu(pre_i) in the f_i * rows rows where it is largest, else 0
        inference:  z_i = pre_i where pre_i > theta_i, else 0
        theta_i <- theta_i decay^(-surplus_i),  surplus_i = (fired_i - f_i rows) / (f_i rows)

    sum(f) = k, so rows have k latents on average and no latent can die. The mean of the least kept
    values would be too high a threshold, because values are sparser upwards. In training a fraction
    of the threshold bounds the candidates, so a latent may have fewer rows for some steps.

    zipf: 0 gives every latent as many rows; above 0, f_i is proportional to `(i + 1) ** -zipf`, at
    most 1. threshold_decay: the fraction of a threshold that remains after a batch without an
    active row. threshold theta, frequency f: [width].

    Source: Ayonrinde 2024, Adaptive Sparse Allocation with Mutual Choice & Feature Choice Sparse
    Autoencoders, arXiv:2411.02124.
    """

    threshold: Tensor
    frequency: Tensor

    undivided = "its first thresholds are from the values of all latents"
    scale_free = True  # the first step sets the thresholds

    def __init__(self, width: int, k: int, zipf: float = 0.0, threshold_decay: float = 0.9) -> None:
        if zipf < 0 or not 0 < threshold_decay < 1:
            raise ConfigError(
                f"got zipf={zipf} and threshold_decay={threshold_decay}, expected zipf of at least "
                "0 and threshold_decay between 0 and 1"
            )
        super().__init__(width=width, k=checked_k(k), zipf=zipf, threshold_decay=threshold_decay)
        self.width, self.k, self.zipf, self.threshold_decay = width, k, zipf, threshold_decay
        self.register_buffer("threshold", torch.zeros(width))
        self.register_buffer("frequency", _frequencies(width, min(k, width), zipf))

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(_LOOSE * self.threshold)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu() * self._chosen(pre.detach(), support)

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.ThresholdRule(self.threshold)

    def inference_gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre * (pre > self.threshold[support.indices])

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        pre, support = step.pre.detach(), step.support
        if not bool(self.threshold.any()):
            self._begin(pre, support)
            return
        over = support.indices[pre > self.threshold[support.indices]]
        on = torch.bincount(over, minlength=self.width)
        share = self.frequency * support.rows
        surplus = ((on - share) / share.clamp_min(1)).clamp_max(_SURPLUS)
        self.threshold.mul_(self.threshold_decay**-surplus)

    def _begin(self, pre: Tensor, support: Support) -> None:
        """Thresholds at the smallest value that each latent keeps of the first batch."""
        chosen = self._chosen(pre, support)
        self.threshold.fill_(float(pre[chosen].mean()) if bool(chosen.any()) else 0.0)
        self.threshold.scatter_reduce_(
            0, support.indices[chosen], pre[chosen], "amin", include_self=False
        )

    def _rows(self, rows: int) -> Tensor:
        """Number of rows of a batch for every latent."""
        return (self.frequency * rows).round().clamp_min(1)

    def _chosen(self, pre: Tensor, support: Support) -> Tensor:
        order = support.indices.argsort(stable=True)
        counts = torch.bincount(support.indices, minlength=self.width)
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        by_latent = Support(offsets, support.row_of_entry[order], support.rows)
        rank = torch.empty_like(order)
        rank[order] = kernels.row_ranks(pre[order], by_latent)
        return (rank < self._rows(support.rows)[support.indices]) & (pre > 0)


def _frequencies(width: int, k: int, zipf: float) -> Float[Tensor, " width"]:
    """Shares of rows that sum to k, each at most 1."""
    shape = np.arange(1, width + 1) ** -zipf
    low, high = 0.0, width / shape[-1]
    for _ in range(100):
        middle = (low + high) / 2
        if np.minimum(middle * shape, 1).sum() < k:
            low = middle
        else:
            high = middle
    # By way of a list, which becomes a tensor on whatever device is the default.
    return torch.tensor(np.minimum(high * shape, 1).tolist())
