"""Validation of raw activations before they are encoded."""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.tensors import ArrayLike, as_tensor, dtype_name


def as_activations(x: ArrayLike) -> Shaped[Tensor, "*shape d"]:
    """Activations [*shape, d] as a tensor. Errors: those of `as_tensor`; DataError for a number."""
    tensor = as_tensor(x, "the activations", "are")
    if tensor.ndim == 0:
        raise DataError("the activations are a single number; expected [..., d]")
    return tensor


def check_float32(weight: Tensor) -> None:
    """Errors: ConfigError where a dictionary was cast to another dtype."""
    if weight.dtype != torch.float32:
        raise ConfigError(
            f"the dictionary's weights are {dtype_name(weight)}, and dictionaries compute in "
            "float32; call sae.float() first. Activations may be of any dtype"
        )


def checked_activations(
    x: Shaped[Tensor, "*shape d"], d_in: int, site: object = None
) -> Float[Tensor, "rows d"]:
    """The rows in float32.

    site: where the dictionary's training data came from, for the error.

    Errors: MismatchError for another last dimension than `d_in`, DataError for NaN or inf.
    """
    if x.shape[-1] != d_in:
        raise MismatchError(
            f"got activations of shape {tuple(x.shape)}, expected {d_in} as the last dimension; "
            f"capture the site that the dictionary was trained on ({site or 'not recorded'})"
        )
    flat = x.reshape(-1, d_in).float()
    if not torch.isfinite(flat.sum()):
        bad = (~torch.isfinite(flat)).any(1).nonzero()
        if bad.numel():
            raise DataError(
                f"activations hold NaN or inf, first in row {int(bad[0])} of "
                f"{flat.shape[0]}; find out where the model makes them before encoding"
            )
    return flat
