"""The inputs of every linear map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from sparsetime.components import component
from sparsetime.computation.activation_sites.activation_site import (
    ActivationPoint,
    ActivationSite,
    absolute,
)
from sparsetime.computation.weight_matrices import weight_matrices
from sparsetime.errors import ConfigError
from sparsetime.models.load import LoadedModel


@final
@component("linear_inputs")
class LinearInputs(ActivationSite):
    """Entries of the input of each linear map, by their magnitude.

        y = W (M x),  score_j = |x_j|

    Source: Liu et al. 2025, Training-Free Activation Sparsity in Large Language Models (TEAL).
    """

    def __init__(self) -> None:
        super().__init__()

    def points(
        self, model: LoadedModel, sites: Sequence[str] | None, sample: Any
    ) -> list[ActivationPoint]:
        matrices = [m for m in weight_matrices(model.model, sites) if m.reads_rows]
        if not matrices:
            raise ConfigError(
                "got sites without a linear module, expected Linear or GPT-2's Conv1D; name others"
            )
        return [ActivationPoint(m.path, m.shape[1], absolute) for m in matrices]
