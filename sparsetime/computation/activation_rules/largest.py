"""The largest entries of every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.activation_rules.activation_rule import ActivationRule
from sparsetime.computation.structures.structure import kept_count


@final
@component("largest")
class LargestOfStep(ActivationRule):
    """The k entries of highest score at every step.

        M_j = 1 where score_j is among the k = (1 - s) n largest of its step

    Source: Li et al. 2023, The Lazy Neuron Phenomenon, section 4.
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
        return {"k": torch.tensor(max(1, kept_count(scores.shape[-1], sparsity)))}

    def kept(
        self, x: Float[Tensor, "*steps entries"], learnt: Mapping[str, Tensor]
    ) -> Bool[Tensor, "*steps kept"]:
        chosen = x.topk(int(learnt["k"]), dim=-1).indices
        return torch.zeros_like(x, dtype=torch.bool).scatter_(-1, chosen, True)
