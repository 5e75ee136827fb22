"""Neurons of gated MLPs by their gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

from torch import Tensor

from sparsetime.components import component
from sparsetime.computation.activation_sites.activation_site import (
    ActivationPoint,
    ActivationSite,
    ScoreOf,
)
from sparsetime.computation.activation_sites.mlp_points import mlps_within
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel
from sparsetime.models.mlp import NONLINEARITIES


@final
@component("gate")
class Gate(ActivationSite):
    """Hidden neurons of each gated MLP, by the magnitude of their gate, which is computed first.

        y = D (M f(G x) * (U x)),  score_j = |f(G x)_j|

    Rows of U are not needed where the gate is left out.

    Source: Lee et al. 2024, CATS: Contextually-Aware Thresholding for Sparsity in Large Language
    Models, equation 3.
    """

    def __init__(self) -> None:
        super().__init__()

    def points(
        self, model: LoadedModel, sites: Sequence[str] | None, sample: Any
    ) -> list[ActivationPoint]:
        mlps = mlps_within(model, sites, sample)
        gated = [mlp for mlp in mlps if mlp.gate_path is not None]
        if not gated:
            raise ConfigError(
                f"got {len(mlps)} MLPs without a gate, expected gated ones such as those of Llama; "
                "use a plan of neurons"
            )
        return [
            ActivationPoint(
                mlp.down_path,
                mlp.down.shape[1],
                _magnitude_of(NONLINEARITIES[mlp.nonlinearity]),
                scored_path=mlp.gate_path,
                skips_outputs=(mlp.up_path,),
            )
            for mlp in gated
        ]


def _magnitude_of(nonlinearity: Callable[[Tensor], Tensor]) -> ScoreOf:
    return lambda x: nonlinearity(x.detach().float()).abs()
