"""Every latent chooses its rows."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.row_ranks import ranks
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier, checked_k
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support

# So much of a latent's threshold bounds the candidates of a batch.
_LOOSE = 0.8
# A batch counts for a threshold as if at most so many times the wanted rows, and one more, were on.
_SURPLUS = 4.0


@final
@component("feature_choice", example={"k": 4})
class FeatureChoice(Sparsifier):
    """Every latent is on in the rows of a batch where it is strongest, a given number of them, so
    that none can die; all latents together have `k` entries a row.

    zipf: 0 gives every latent as many rows as any other; above 0 latent i has a share
    proportional to `(i + 1) ** -zipf`, and at most all rows.
    memory: the share of a latent's threshold that is left after a batch in which it is on nowhere,
    though it may have a row or more.

    In use a latent is on above its threshold, which rises while that is more often than its share
    and falls while it is less; the mean of what it kept at least would be too high, since strengths
    thin out upwards. In training somewhat less bounds the candidates that a batch chooses from, so
    that a latent may have fewer rows than its share for some steps.

    threshold, frequency: [width], the latter the share of rows that each may have.

    Source: Ayonrinde 2024, Adaptive Sparse Allocation with Mutual Choice & Feature Choice Sparse
    Autoencoders, arXiv:2411.02124.
    """

    threshold: Tensor
    frequency: Tensor

    def __init__(self, width: int, k: int, zipf: float = 0.0, memory: float = 0.9) -> None:
        if zipf < 0 or not 0 < memory < 1:
            raise ConfigError(
                "zipf is at least 0 and memory between 0 and 1; "
                f"given: zipf={zipf} and memory={memory}"
            )
        super().__init__(width=width, k=checked_k(k), zipf=zipf, memory=memory)
        self.width, self.k, self.zipf, self.memory = width, k, zipf, memory
        self.register_buffer("threshold", torch.zeros(width))
        self.register_buffer("frequency", _frequencies(width, min(k, width), zipf))

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.Above(_LOOSE * self.threshold)

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu() * self._chosen(pre.detach(), support)

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.Above(self.threshold)

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
        self.threshold.mul_(self.memory**-surplus)

    def _begin(self, pre: Tensor, support: Support) -> None:
        """Thresholds at the weakest strength that each latent keeps of the first batch."""
        chosen = self._chosen(pre, support)
        self.threshold.fill_(float(pre[chosen].mean()) if bool(chosen.any()) else 0.0)
        self.threshold.scatter_reduce_(
            0, support.indices[chosen], pre[chosen], "amin", include_self=False
        )

    def _rows(self, rows: int) -> Tensor:
        """How many rows of a batch each latent may have."""
        return (self.frequency * rows).round().clamp_min(1)

    def _chosen(self, pre: Tensor, support: Support) -> Tensor:
        order = support.indices.argsort(stable=True)
        counts = torch.bincount(support.indices, minlength=self.width)
        offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        by_latent = Support(offsets, support.row_of_entry[order], support.rows)
        rank = torch.empty_like(order)
        rank[order] = ranks(pre[order], by_latent)
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
