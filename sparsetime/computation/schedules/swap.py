"""DSnoT: kept and removed weights are swapped to lower the error of a layer's output."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.input_statistics import InputStatistics
from sparsetime.computation.schedules.mask_schedule import MaskSchedule
from sparsetime.errors import ConfigError


@final
@component("swap")
class WeightSwap(MaskSchedule):
    """Rows swap a removed entry for a kept one while the error of their output is large.

        e_i = - sum over removed j of W_ij mean_j                   error of the output i
        grow:   the removed entry with the largest - sign(e_i) W_ij mean_j / var_j
        prune:  among kept entries that lower |e_i|, the one with the least |W_ij| ||X_j||

    cycles: the most swaps of a row. threshold: a row with |e_i| below it is left. Weights keep
    their values. mean_j, var_j and ||X_j|| are of calibration inputs.

    Source: Zhang et al. 2024, Dynamic Sparse No Training: Training-Free Fine-tuning for Sparse
    LLMs, equations 3 to 6.
    """

    needs = frozenset({"inputs"})

    def __init__(self, cycles: int = 50, threshold: float = 0.1) -> None:
        super().__init__(cycles=cycles, threshold=threshold)
        if cycles < 0 or not threshold >= 0:
            raise ConfigError(
                f"got cycles={cycles} and threshold={threshold}, expected numbers from 0 on"
            )
        self.cycles, self.threshold = cycles, threshold

    def refined(
        self,
        mask: Bool[Tensor, "out in"],
        weight: Float[Tensor, "out in"],
        inputs: InputStatistics | None,
    ) -> Bool[Tensor, "out in"]:
        assert inputs is not None, "calibrated before"
        w = weight.detach().float()
        mean, spread = inputs.mean.to(w), inputs.variance.to(w).clamp_min(1e-12)
        effect = w * mean  # of an entry on the mean of its output
        wanda = w.abs() * inputs.norm.to(w)
        mask = mask.clone()
        error = -(effect * ~mask).sum(1)
        rows = torch.arange(len(w), device=w.device)
        active = error.abs() > self.threshold
        for _ in range(self.cycles):
            if not bool(active.any()):
                break
            sign = error.sign()[:, None]
            # Growing adds the entry's effect to the output, so it must go against the error.
            gain = (-sign * effect / spread).masked_fill(mask, -torch.inf)
            grown = gain.argmax(1)
            # Pruning takes its effect away, so that of the pruned entry has the error's sign.
            loss = wanda.masked_fill(~mask | (sign * effect <= 0), torch.inf)
            pruned = loss.argmin(1)
            after = error + effect[rows, grown] - effect[rows, pruned]
            possible = torch.isfinite(gain[rows, grown]) & torch.isfinite(loss[rows, pruned])
            active &= possible & (after.abs() < error.abs())
            chosen = rows[active]
            mask[chosen, grown[active]] = True
            mask[chosen, pruned[active]] = False
            error = torch.where(active, after, error)
            active &= error.abs() > self.threshold
        return mask
