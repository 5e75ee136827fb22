"""Dynamic sparse training: the smallest weights are dropped, and as many are grown elsewhere."""

from __future__ import annotations

import math
from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.schedules.mask_schedule import MaskSchedule, MaskUpdate
from sparsetime.computation.structures.structure import top_mask
from sparsetime.errors import ConfigError


@final
@component("regrow")
class Regrow(MaskSchedule):
    """At every few steps a share of the kept weights is dropped and as many others are grown.

        drop:  the K kept entries with the least |W|,  K = f(t) kept entries
        grow:  the K other entries with the largest |dL/dW|, or random ones, at value 0
        f(t) = fraction / 2 (1 + cos(pi t / until))

    every: optimiser steps between updates. until: step behind which masks stay. fraction: f(0).
    growth: "gradient" as RigL, or "random" as SET. The structure chooses among what is kept and
    what would be grown, so that it holds after every update.

    Source: Evci et al. 2020, Rigging the Lottery: Making All Tickets Winners, algorithm 1; Mocanu
    et al. 2018, Scalable training of artificial neural networks with adaptive sparse connectivity.
    """

    is_training = True
    reads_scores = False

    def __init__(
        self,
        every: int = 100,
        until: int = 1000,
        fraction: float = 0.3,
        growth: Literal["gradient", "random"] = "gradient",
    ) -> None:
        super().__init__(every=every, until=until, fraction=fraction, growth=growth)
        if every < 1 or until < 1:
            raise ConfigError(
                f"got every={every} and until={until} of regrowth, expected at least 1 step each"
            )
        if not 0 <= fraction < 1:
            raise ConfigError(f"got fraction={fraction}, expected a share from 0 to less than 1")
        self.every, self.until, self.fraction, self.growth = every, until, fraction, growth

    def is_update(self, step: int) -> bool:
        return step % self.every == 0 and step <= self.until

    def needs_gradient(self, step: int) -> bool:
        return self.growth == "gradient" and self.is_update(step)

    def dropped_share(self, step: int) -> float:
        """f(t)."""
        return self.fraction / 2 * (1 + math.cos(math.pi * min(step / self.until, 1.0)))

    def update_scores(self, update: MaskUpdate) -> Float[Tensor, "out in"]:
        magnitude = update.weight.float().abs().masked_fill(~update.mask, -1.0)
        kept = int(update.mask.sum())
        stays = top_mask(magnitude.flatten(), kept - round(self.dropped_share(update.step) * kept))
        stays = stays.reshape(update.mask.shape)
        if self.growth == "gradient":
            assert update.gradient is not None, "kept by the hooks of training"
            growth = update.gradient.float().abs()
        else:
            growth = torch.rand(update.mask.shape, generator=update.generator)
            growth = growth.to(update.weight.device)
        # Entries that stay come before all that may be grown, in either order by size.
        growth = growth / growth.max().clamp_min(torch.finfo(torch.float32).tiny)
        largest = magnitude.max().clamp_min(torch.finfo(torch.float32).tiny)
        return torch.where(stays, 2 + magnitude / largest, growth)
