"""Whether activations can be encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import DataError, MismatchError

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


def checked_activations(
    dictionary: Dictionary, x: Float[Tensor, "*shape d"]
) -> Float[Tensor, "rows d"]:
    """The rows in float32.

    Errors: MismatchError for another last dimension than `d_in`, DataError for NaN or inf.
    """
    d = dictionary.d_in
    if x.shape[-1] != d:
        raise MismatchError(
            f"activations of shape {tuple(x.shape)} were given to a dictionary of {d} dimensions: "
            f"the last axis must be {d}. Was it trained on another site? It records "
            f"{dictionary.provenance.get('site', 'no site')!r}."
        )
    flat = x.reshape(-1, d).float()
    if not torch.isfinite(flat.sum()):
        bad = (~torch.isfinite(flat)).any(1).nonzero()
        if bad.numel():
            raise DataError(
                f"activations hold NaN or inf, first in row {int(bad[0])} of "
                f"{flat.shape[0]}; find out where the model makes them before encoding"
            )
    return flat
