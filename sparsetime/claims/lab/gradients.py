"""Activations of a language model with the gradient of its loss, cached."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.activations.sources.model_loss import rows_with_gradients
from sparsetime.claims.lab.splits import Splits
from sparsetime.errors import MismatchError

Gradients: TypeAlias = dict[str, Float[Tensor, "rows d"]]


@lru_cache(maxsize=1)
def training_gradients(data: Splits, windows: int, length: int) -> Gradients:
    """`x` and `gradient` of the first `windows` windows of `length` training tokens.

    The last result is cached, since forward and backward pass of the model cost more than a
    training on their result.

    Errors: MismatchError where the testbed has no model.
    """
    if data.bed.model is None or data.bed.store.site is None:
        raise MismatchError(
            f"the testbed {data.bed.name!r} has no model whose loss could have a gradient; take "
            "lab.code()"
        )
    tokens = token_windows(data.train_store, length)[:windows]
    return rows_with_gradients(data.bed.model.model, tokens, data.bed.store.site)
