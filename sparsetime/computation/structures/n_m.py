"""N:M structure: N of every M consecutive inputs."""

from __future__ import annotations

import math
from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.structures.structure import Structure, top_mask
from sparsetime.errors import ConfigError


@final
@component("n_m", example={"m": 4})
class NM(Structure):
    """At most N of every M consecutive inputs of an output; N follows from the sparsity.

        sum over the group g of M_ij <= N = (1 - s) M,  g = M consecutive j

    m: length of a group. GPUs run 2:4, which is m=4 at sparsity 0.5. At a sparsity in between, on
    the way of a schedule, N is rounded up.

    Source: Mishra et al. 2021, Accelerating Sparse Deep Neural Networks.
    """

    def __init__(self, m: int = 4) -> None:
        super().__init__(m=m)
        if m < 2:
            raise ConfigError(f"got m={m} of a structure N:M, expected at least 2")
        self.m = m

    def objection(self, shape: tuple[int, int], sparsity: float) -> str | None:
        kept = (1 - sparsity) * self.m
        if abs(kept - round(kept)) > 1e-6:
            near = round(kept) or 1
            return (
                f"sparsity {sparsity:g} keeps {kept:g} of {self.m} entries, expected a whole "
                f"number, such as {near} at sparsity {1 - near / self.m:g}"
            )
        if shape[1] % self.m:
            return f"its {shape[1]} inputs are not divided by m={self.m}; choose another m"
        return None

    def mask(self, scores: Float[Tensor, "out in"], sparsity: float) -> Bool[Tensor, "out in"]:
        kept = math.ceil((1 - sparsity) * self.m - 1e-6)
        groups = scores.reshape(len(scores), -1, self.m)
        return top_mask(groups, kept).reshape(scores.shape)

    def holds(self, mask: Bool[Tensor, "out in"]) -> bool:
        counts = mask.reshape(len(mask), -1, self.m).sum(2)
        return bool((counts == counts.max()).all())
