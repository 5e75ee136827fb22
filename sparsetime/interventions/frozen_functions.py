"""Frozen functions: attention patterns, normalisation scales, gates and choices as constants."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from sparsetime.errors import DataError
from sparsetime.models.wrappers import hook_input, hook_output

Kind: TypeAlias = Literal["attention pattern", "normalisation scale", "gate", "choice"]


@final
@dataclass(frozen=True)
class FrozenValue:
    """A value that a linearised pass holds fixed: its kind, and the module that computed it."""

    kind: Kind
    module: str
    value: Any


@final
class FrozenFunctions(TorchFunctionMode):
    """Within the block, some functions return constants, so that the rest of a pass is linear.

        softmax(s) -> its value;  attention(q, k, v) = P v, P -> its value
        norm(x) = (x - mean) / scale · w + b, scale -> its value;  sigmoid, top-k -> their values

    Values are those of the plain pass; gradients flow along the residual stream, along the values
    of attention and through linear maps. replayed: the frozen values of an earlier pass, which are
    used in its order in place of what the functions would give on other activations. A function
    that a compiled or fused kernel of another package computes is not seen.

    Source: Ameisen et al. 2025, Circuit Tracing: Revealing Computational Graphs in Language Models,
    where attention patterns and normalisation denominators are frozen.
    """

    def __init__(self, replayed: Iterable[FrozenValue] | None = None) -> None:
        super().__init__()
        self.values: list[FrozenValue] = []
        self._replayed: Iterator[FrozenValue] | None = None if replayed is None else iter(replayed)
        self._modules = [""]
        self._suspended = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        rule = _RULES.get(func)
        if rule is None or self._suspended:
            return func(*args, **(kwargs or {}))
        return rule(self, func, args, dict(kwargs or {}))

    @property
    def module(self) -> str:
        """The path of the module that is running, within `watching`."""
        return self._modules[-1]

    def constant(self, kind: Kind, compute: Callable[[], Any]) -> Any:
        """The value of `compute`, without gradient; in a replay that of the earlier pass.

        Errors: DataError where a replay calls other functions than the earlier pass.
        """
        if self._replayed is not None:
            earlier = next(self._replayed, None)
            if earlier is None or (earlier.kind, earlier.module) != (kind, self._modules[-1]):
                raise DataError(
                    f"the module {self._modules[-1] or '.'!r} calls other functions when its input "
                    "changes, so that the pass cannot be frozen; make it one of the writes"
                )
            return _copy(earlier.value)
        with torch.no_grad():
            value = compute()
        self.values.append(FrozenValue(kind, self._modules[-1], _copy(value)))
        return value

    def suspend(self) -> None:
        """Functions return what they compute until `resume`."""
        self._suspended += 1

    def resume(self) -> None:
        """Functions are frozen again."""
        self._suspended -= 1

    def summary(self) -> dict[str, int]:
        """How many values of each kind are frozen."""
        return dict(Counter(value.kind for value in self.values))

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        """Within the block, frozen values are recorded with the path of the module."""

        def enter(path: str) -> Callable[..., None]:
            return lambda *_: self._modules.append(path)

        def leave(*_: Any) -> None:
            self._modules.pop()

        handles = []
        for path, module in model.named_modules():
            handles += [hook_input(module, enter(path)), hook_output(module, leave)]
        try:
            yield
        finally:
            del self._modules[1:]
            for handle in handles:
                handle.remove()


_Rule: TypeAlias = Callable[
    [FrozenFunctions, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any
]


def _whole(kind: Kind) -> _Rule:
    """The rule of a function whose result is a constant."""

    def rule(
        mode: FrozenFunctions, func: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
    ) -> Any:
        return mode.constant(kind, lambda: func(*args, **kw))

    return rule


def _power(
    mode: FrozenFunctions, func: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
) -> Any:
    """Negative and fractional powers are scales; squares are not."""
    exponent = args[1] if len(args) > 1 else kw.get("exponent")
    if isinstance(exponent, int | float) and (exponent < 0 or exponent != int(exponent)):
        return mode.constant("normalisation scale", lambda: func(*args, **kw))
    return func(*args, **kw)


def _attention(
    mode: FrozenFunctions, func: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
) -> Any:
    """softmax(q k) v with the pattern as a constant: the attention of the identity matrix."""
    query, key, value = (
        args[i] if len(args) > i else kw.pop(name)
        for i, name in enumerate(("query", "key", "value"))
    )
    shape = (*value.shape[:-1], value.shape[-2])
    identity = torch.eye(value.shape[-2], dtype=value.dtype, device=value.device).expand(shape)
    pattern = mode.constant(
        "attention pattern", lambda: func(query, key, identity, *args[3:], **kw)
    )
    if pattern.ndim > 3 and value.shape[-3] != pattern.shape[-3]:  # grouped queries
        value = value.repeat_interleave(pattern.shape[-3] // value.shape[-3], dim=-3)
    return pattern @ value


def _layer_norm(
    mode: FrozenFunctions, func: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
) -> Any:
    x, shape, weight, bias, eps = _arguments(functional.layer_norm, args, kw)
    eps = 1e-5 if eps is None else eps
    axes = tuple(range(-len(shape), 0))

    def inverse() -> Tensor:
        return cast(Tensor, (x.var(axes, keepdim=True, unbiased=False) + eps).rsqrt())

    y = (x - x.mean(axes, keepdim=True)) * mode.constant("normalisation scale", inverse)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _rms_norm(
    mode: FrozenFunctions, func: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
) -> Any:
    x, shape, weight, eps = _arguments(functional.rms_norm, args, kw)
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    axes = tuple(range(-len(shape), 0))

    def inverse() -> Tensor:
        return cast(Tensor, (x.square().mean(axes, keepdim=True) + eps).rsqrt())

    y = x * mode.constant("normalisation scale", inverse)
    return y if weight is None else y * weight


def _copy(value: Any) -> Any:
    """A tensor of its own, as some models change attention scores in place."""
    return value.clone() if isinstance(value, Tensor) else value


def _arguments(
    func: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
) -> tuple[Any, ...]:
    """The arguments of a call in the order of the signature, None where they are left out."""
    names = tuple(inspect.signature(func).parameters)
    given = dict(zip(names, args, strict=False)) | kw
    return tuple(given.get(name) for name in names)


_RULES: dict[Callable[..., Any], _Rule] = {
    functional.scaled_dot_product_attention: _attention,
    functional.layer_norm: _layer_norm,
    torch.layer_norm: _layer_norm,
    functional.rms_norm: _rms_norm,
    torch.rms_norm: _rms_norm,
    torch.pow: _power,
    torch.Tensor.pow: _power,
    torch.Tensor.__pow__: _power,
    **{
        func: _whole("attention pattern")
        for func in (functional.softmax, torch.softmax, torch.Tensor.softmax)
    },
    **{
        func: _whole("normalisation scale")
        for func in (
            *(torch.rsqrt, torch.Tensor.rsqrt, torch.sqrt, torch.Tensor.sqrt),
            *(torch.norm, torch.Tensor.norm, torch.linalg.vector_norm, torch.linalg.norm),
            *(torch.std, torch.Tensor.std, torch.var, torch.Tensor.var),
        )
    },
    **{func: _whole("gate") for func in (functional.sigmoid, torch.sigmoid, torch.Tensor.sigmoid)},
    **{
        func: _whole("choice")
        for func in (torch.topk, torch.Tensor.topk, torch.argmax, torch.Tensor.argmax)
    },
}
