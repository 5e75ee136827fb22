"""Symbols: a learnt vector for every token, byte or note."""

from __future__ import annotations

from typing import final

from jaxtyping import Float, Shaped
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.errors import DataError
from sparsetime.sequence_models.sequence_component import Count
from sparsetime.sequence_models.views.view import ViewComponent


@final
@component("symbols", example={"d": 8, "vocabulary": 5})
class Symbols(ViewComponent):
    """An embedding of whole numbers.

        y_t = E[x_t]

    vocabulary: symbols are 0 to vocabulary - 1.

    Source: Bengio et al. 2003, A neural probabilistic language model.
    """

    def __init__(self, d: Count, vocabulary: Count) -> None:
        super().__init__(d=d, vocabulary=vocabulary)
        self.table = nn.Embedding(vocabulary, d)

    def embed(self, x: Shaped[Tensor, "batch steps ..."]) -> Float[Tensor, "batch steps d"]:
        """The vectors. Errors: DataError for symbols outside the vocabulary, and for values."""
        known = self.table.num_embeddings
        if x.is_floating_point() or x.ndim != 2:
            raise DataError(
                f"got {x.dtype} of shape {list(x.shape)}, expected whole numbers [batch, steps]; a "
                "model with d_in= reads values"
            )
        if x.numel() and not 0 <= int(x.min()) <= int(x.max()) < known:
            raise DataError(
                f"got symbols from {int(x.min())} to {int(x.max())}, expected 0 to {known - 1}; "
                "give a larger vocabulary, or number the symbols from 0"
            )
        vectors: Tensor = self.table(x)
        return vectors
