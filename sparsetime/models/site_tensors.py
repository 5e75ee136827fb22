"""Activations in the inputs and outputs of modules, reshaped to [batch, time, d]."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

from jaxtyping import Shaped
from torch import Tensor

from sparsetime.errors import DataError, MismatchError

Activations = Shaped[Tensor, "batch time d"]
_LAYOUTS = ("[time, batch, d]", "[batch, time, d]", "[batch, d, time]", "[batch, …, time]")


def activation_in(value: Any, site: str) -> Tensor:
    """The activation in a module's input or output: its first floating-point tensor.

    Searches tuples, lists, mappings (as transformers' outputs) and dataclasses, in order.
    """
    for tensor in _tensors(value):
        if tensor.is_floating_point():
            return tensor
    raise DataError(
        f"the site {site!r} passes a {type(value).__name__} without any floating-point tensor; "
        f"choose a site whose input or output is an activation"
    )


def as_batch_time_d(
    value: Tensor,
    site: str,
    batch: int,
    time: int,
    time_axis: int = 1,
    advice: str = "set time_axis, or choose another site",
) -> Activations:
    """The same activations as [batch, time, d].

    advice: the last clause of the error, for callers without `time_axis`.

    Errors: MismatchError where the tensor does not have one row a step.
    """
    shape = tuple(value.shape)
    if value.ndim == 2 and shape[0] == batch * time:
        return value.reshape(batch, time, shape[1])
    if value.ndim >= 3 and time_axis < value.ndim:
        value = value.movedim(time_axis, 1)
        if value.shape[0] == batch and value.shape[1] == time:
            return value.reshape(batch, time, math.prod(value.shape[2:]))
    raise MismatchError(
        f"got a tensor of shape {list(shape)} from the site {site!r} for {batch} sequences of "
        f"{time} steps, expected {_LAYOUTS[time_axis]} (time_axis={time_axis}), one row a step; "
        f"{advice}"
    )


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _tensors(getattr(value, field.name))
