"""Next symbol: logits of the symbol that follows every step."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.heads.head import Head
from sparsetime.sequence_models.sequence_component import Count


@final
@component("next_symbol", example={"d": 8, "vocabulary": 5})
class NextSymbol(Head):
    """Logits of a categorical distribution of the next symbol.

        l_t = W x_t + b

    Source: Bengio et al. 2003, A neural probabilistic language model.
    """

    def __init__(self, d: Count, vocabulary: Count) -> None:
        super().__init__(d=d, vocabulary=vocabulary)
        self.map = nn.Linear(d, vocabulary)

    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time vocabulary"]:
        """The logits of all steps."""
        logits: Tensor = self.map(x)
        return logits
