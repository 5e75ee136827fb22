"""Neighbours in time should share their high-level code."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


@final
@component("temporal_contrastive")
class TemporalContrastive(Term):
    """Tell a row's earlier neighbour from those of other rows, by the first group's code alone.

    With h the first group's codes of the rows and h' those of their earlier neighbours, this is
    the cross-entropy of row i choosing neighbour i under the logits `cos(h, h') / temperature`,
    and of the neighbour choosing the row, averaged (InfoNCE). Each row is compared within blocks
    of `block` rows of the batch, so that the cost grows with the batch and not with its square.

    Source: Bhalla et al. 2025, Temporal Sparse Autoencoders, arXiv:2511.05541. The
    authors' public code takes dot products instead of cosines, which reward large strengths too.
    """

    needs = frozenset({"earlier"})
    group_names = ("high", "low")

    def __init__(self, weight: float = 0.1, block: int = 1024, temperature: float = 0.1) -> None:
        if block < 2 or temperature <= 0:
            raise ConfigError(
                f"block must be at least 2 and temperature positive; given: {block} and "
                f"{temperature}"
            )
        super().__init__(weight=weight, block=block, temperature=temperature)
        self.weight, self.block, self.temperature = weight, block, temperature

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        earlier = required(step.earlier, "earlier")
        high = step.decoder.groups[0]
        rows = step.x.shape[0]
        total = step.x.new_zeros(())
        for start in range(0, rows, self.block):
            stop = min(start + self.block, rows)
            now = step.code.row_slice(start, stop).prefix(high).dense()
            before = earlier.row_slice(start, stop).prefix(high).dense()
            alike = functional.normalize(now, dim=1) @ functional.normalize(before, dim=1).T
            logits = alike / self.temperature
            own = torch.arange(stop - start, device=logits.device)
            both = functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)
            total = total + both * (stop - start) / (2 * rows)
        return total
