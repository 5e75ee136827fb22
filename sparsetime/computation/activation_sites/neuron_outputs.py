"""Neurons of MLPs by the magnitude of what they write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.activation_sites.activation_site import (
    ActivationPoint,
    ActivationSite,
    ScoreOf,
)
from sparsetime.computation.activation_sites.mlp_points import mlps_within
from sparsetime.models.load import LoadedModel


@final
@component("neuron_outputs")
class NeuronOutputs(ActivationSite):
    """Hidden neurons of each MLP, by the length of the vector that they write.

        y = D (M h),  score_j = |h_j| ||D_j||_2

    Source: Zhang et al. 2024, ReLU^2 Wins: Discovering Efficient Activation Functions for Sparse
    LLMs, equation 3.
    """

    def __init__(self) -> None:
        super().__init__()

    def points(
        self, model: LoadedModel, sites: Sequence[str] | None, sample: Any
    ) -> list[ActivationPoint]:
        return [
            ActivationPoint(
                mlp.down_path,
                mlp.down.shape[1],
                _length_of_output(mlp.down.norm(dim=0)),
                reads_path=mlp.up_path,
                predicted_skips=tuple(p for p in (mlp.up_path, mlp.gate_path) if p),
            )
            for mlp in mlps_within(model, sites, sample)
        ]


def _length_of_output(norms: Tensor) -> ScoreOf:
    return lambda h: h.detach().float().abs() * norms
