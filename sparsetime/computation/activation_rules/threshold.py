"""A threshold for each point, at a quantile of the scores of calibration data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.activation_rules.activation_rule import ActivationRule


@final
@component("threshold")
class ActivationThreshold(ActivationRule):
    """Entries whose score is above a threshold, so that their number differs by step.

        M_j = 1 where score_j > t,  t: the s-quantile of the scores of all entries and steps

    Source: Lee et al. 2024, CATS, equation 2; Liu et al. 2025, TEAL, section 4.
    """

    def __init__(self) -> None:
        super().__init__()

    def calibrated(
        self,
        scores: Float[Tensor, "steps entries"],
        read: Float[Tensor, "steps d"] | None,
        sparsity: float,
        seed: int,
    ) -> dict[str, Tensor]:
        flat = scores.flatten()
        rank = int(sparsity * (len(flat) - 1))
        threshold = flat.kthvalue(rank + 1).values if sparsity > 0 else flat.new_tensor(-1.0)
        return {"threshold": threshold}

    def kept(
        self, x: Float[Tensor, "*steps entries"], learnt: Mapping[str, Tensor]
    ) -> Bool[Tensor, "*steps kept"]:
        return x > learnt["threshold"]
