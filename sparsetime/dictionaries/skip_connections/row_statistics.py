"""Mean of each row as a skip connection, for dictionaries that normalise rows."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.row_statistics import RowNorm, checked_row_norm, row_statistics
from sparsetime.dictionaries.skip_connections.skip_connection import SkipConnection


@final
@component("row_statistics")
class RowStatisticsSkip(SkipConnection):
    """What a code of normalised rows leaves out of the row: its mean, and its share of the offset.

        x̂ = Σ_i z_i · atom_i + b + (m + (s - 1) b),    z = s times the code of the normalised row

    m, s: mean and spread of the row (`row_statistics`); b: the decoder's offset. So x̂ = s y + m
    for the reconstruction y = Σ_i (z_i / s) · atom_i + b of the normalised row.

    norm: that of the encoder "row_normalised".

    Source: `normalize_activations` of SAELens.

    Errors: ConfigError for another norm.
    """

    host: Composition

    def __init__(self, d_in: int, norm: str = "layer_norm") -> None:
        super().__init__(d_in=d_in, norm=norm)
        self.d_in = self.d_out = d_in
        self.norm: RowNorm = checked_row_norm(norm)

    def bind(self, composition: Composition) -> None:
        # Not as an attribute of torch's: the dictionary would become a submodule of itself.
        self.__dict__["host"] = composition

    def predict(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows d_out"]:
        mean, spread, _ = row_statistics(x, self.norm)
        predicted: Tensor = mean + (spread - 1) * self.host.decoder.bias
        return predicted
