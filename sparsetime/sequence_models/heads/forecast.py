"""Forecast: the values of the steps that follow every step."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.heads.head import Head
from sparsetime.sequence_models.sequence_component import Count


@final
@component("forecast", example={"d": 8, "d_in": 3, "steps": 2})
class Forecast(Head):
    """A linear map to the next values, step after step.

        [x_{t+1}, ..., x_{t+steps}] = W h_t + b

    d_in: channels of the series. steps: of the input that are forecast.

    Source: Zeng et al. 2023, arXiv:2205.13504 (direct linear forecasts).
    """

    def __init__(self, d: Count, d_in: Count, steps: Count = 1) -> None:
        super().__init__(d=d, d_in=d_in, steps=steps)
        self.map = nn.Linear(d, steps * d_in)

    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time values"]:
        """The forecasts of all steps, `steps` times `d_in` numbers each."""
        values: Tensor = self.map(x)
        return values
