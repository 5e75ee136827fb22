"""Activations in the inputs and outputs of modules, reshaped to [batch, time, d]."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jaxtyping import Shaped
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError, MismatchError, unknown_name
from sparsetime.models.forward_signature import named_arguments

Activations = Shaped[Tensor, "batch time d"]
#: Whether a tensor has one row a step.
Fits = Callable[[Tensor], bool]
_LAYOUTS = ("[time, batch, d]", "[batch, time, d]", "[batch, d, time]", "[batch, …, time]")


class OtherRateError(MismatchError):
    """A site that does not have one row for every step of the input."""


def input_activation(
    module: nn.Module,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    site: str,
    argument: str = "",
    fits: Fits | None = None,
) -> Tensor:
    """The activation among the arguments of a call, which are bound to the signature of `forward`.

    argument: its name, where the site gives one; a dot leads into a tuple or a mapping. fits: which
    tensors have one row a step, where that is known.

    Errors: ConfigError where several arguments may be meant; UnknownNameError for an argument that
    the call does not have; DataError where there is no floating-point tensor.
    """
    named = named_arguments(module, args, kwargs)
    if argument:
        return _named(named, argument, site)
    direct = {n: v for n, v in named.items() if _is_activation(v)}
    if direct:
        return _only(direct, site, fits, "argument")
    return _first(named, site)


def output_activation(value: Any, site: str, item: str = "", fits: Fits | None = None) -> Tensor:
    """The activation in a module's output.

    Of a tuple, a list, or an output of transformers it is the first floating-point tensor; of
    another mapping or dataclass, which has no first, the one that has a row a step. item: its name
    or number, where the site gives one.

    Errors: as `input_activation`.
    """
    if not item:
        # A hook of every step of a stream takes this way.
        first = value[0] if type(value) in (tuple, list) and value else value
        if isinstance(first, Tensor) and first.is_floating_point():
            return first
    named = _items(value)
    if item:
        return _named(named, item, site)
    if isinstance(value, Tensor):
        return _first({"0": value}, site)
    direct = {n: v for n, v in named.items() if _is_activation(v)}
    if direct and not _is_ordered(value):
        return _only(direct, site, fits, "item")
    return _first(named, site)


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
    raise OtherRateError(
        f"got a tensor of shape {list(shape)} from the site {site!r} for {batch} sequences of "
        f"{time} steps, expected {_LAYOUTS[time_axis]} (time_axis={time_axis}), one row a step; "
        f"{advice}"
    )


def has_row_a_step(batch: int, time: int, time_axis: int = 1) -> Fits:
    """A function that says whether `as_batch_time_d` takes a tensor."""

    def fits(tensor: Tensor) -> bool:
        try:
            as_batch_time_d(tensor, "", batch, time, time_axis)
        except MismatchError:
            return False
        return True

    return fits


def _only(candidates: dict[str, Tensor], site: str, fits: Fits | None, what: str) -> Tensor:
    """The one candidate that is an activation."""
    first = next(iter(candidates.values()))
    if fits is None:
        like = {n: t for n, t in candidates.items() if t.shape[:2] == first.shape[:2]}
    else:
        like = {n: t for n, t in candidates.items() if fits(t)}
    if not like:
        return first  # its shape is explained where it is brought into [batch, time, d]
    # A mask of more or fewer axes may have a row a step too, where there are few steps.
    plain = {n: t for n, t in like.items() if t.ndim == 3} or like
    one, *others = plain.values()
    if all(other is one for other in others):  # as query, key and value of self-attention
        return one
    names = list(plain)
    raise ConfigError(
        f"the site {site!r} has several {what}s with one row a step: {', '.join(names)}; name the "
        f"one that is meant, as in {_with_name(site, names[0])!r}"
    )


def _with_name(site: str, name: str) -> str:
    path, _, side = site.partition(":")
    return f"{path}:{side or 'output'}.{name}"


def _named(named: Mapping[str, Any], name: str, site: str) -> Tensor:
    if name in named:
        value = named[name]
    else:
        head, _, rest = name.partition(".")
        if head not in named:
            raise unknown_name(f"part of the site {site!r}", name, named)
        value = named[head]
        if rest:
            return _named(_items(value), rest, site)
    return _first({name: value}, site)


def _first(named: Mapping[str, Any], site: str) -> Tensor:
    for tensor in _tensors(list(named.values())):
        if tensor.is_floating_point():
            return tensor
    kinds = " and a ".join(type(value).__name__ for value in named.values()) or "nothing"
    raise DataError(
        f"the site {site!r} passes a {kinds} without any floating-point tensor; "
        f"choose a site whose input or output is an activation"
    )


def _is_activation(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def _is_ordered(value: Any) -> bool:
    """Whether the first tensor of an output is the one that the next layer reads, by convention."""
    if isinstance(value, list | tuple):
        return not hasattr(value, "_fields")
    return any(base.__name__ == "ModelOutput" for base in type(value).__mro__)


def _items(value: Any) -> dict[str, Any]:
    """What a value holds, by name or number."""
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    if hasattr(value, "_fields"):
        return dict(zip(value._fields, value, strict=True))
    if isinstance(value, list | tuple):
        return {str(i): item for i, item in enumerate(value)}
    if _is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {} if value is None else {"0": value}


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping | list | tuple) or _is_dataclass(value):
        for item in _items(value).values():
            yield from _tensors(item)
