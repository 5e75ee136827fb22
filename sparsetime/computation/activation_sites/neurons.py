"""Neurons of MLPs by their magnitude."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from sparsetime.components import component
from sparsetime.computation.activation_sites.activation_site import (
    ActivationPoint,
    ActivationSite,
    absolute,
)
from sparsetime.computation.activation_sites.mlp_points import mlps_within
from sparsetime.models.load import LoadedModel


@final
@component("neurons")
class Neurons(ActivationSite):
    """Hidden neurons of each MLP, by their magnitude.

        y = D (M h),  score_j = |h_j|

    Source: Li et al. 2023, The Lazy Neuron Phenomenon.
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
                absolute,
                reads_path=mlp.up_path,
                predicted_skips=tuple(p for p in (mlp.up_path, mlp.gate_path) if p),
            )
            for mlp in mlps_within(model, sites, sample)
        ]
