"""Nonlinear modules: the parts of a model's layers that are not affine once patterns are frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import DataError
from sparsetime.interventions.frozen_functions import FrozenFunctions, FrozenValue
from sparsetime.interventions.model_inputs import ModelInput
from sparsetime.interventions.nested_tensors import floating_tensors
from sparsetime.interventions.site_exchange import substitute
from sparsetime.interventions.split_pass import SplitPass
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.site_tensors import Fits, has_row_a_step
from sparsetime.models.wrappers import hook_call, hook_input, hook_output, submodule

_BENT = 1e-4  # second difference, as a share of the first one, above which a module is not affine


def nonlinear_modules(
    model: nn.Module, inputs: ModelInput, writes: Sequence[str], reads: Sequence[str] = ()
) -> list[str]:
    """Sites to cut, so that a pass with frozen patterns is affine between them.

    Those in `writes`; the token embedding; and of every layer (item of a `ModuleList` that the pass
    calls) the modules that are not affine while patterns and scales are frozen: its MLP, or its
    whole mixer where that is no attention. Modules around one of `reads` are looked into too. A
    module is run again on moved inputs to find out.

    Errors: DataError for a model without a token embedding where `writes` is empty.
    """
    embedding = token_embedding(model)
    first = [*writes] if embedding is None or embedding in writes else [embedding, *writes]
    if not first:
        raise DataError(
            f"{type(model).__name__} has no token embedding; give the site that writes first, such "
            "as the layer that reads the input"
        )
    calls: dict[str, _Call] = {}
    split = SplitPass(model, inputs, first, reads)
    fits = has_row_a_step(split.batch, split.time)
    handles = [
        hook_call(module, _recorder(calls, path, fits))
        for path, module in model.named_modules()
        if path
    ]
    try:
        split.run()
    finally:
        for handle in handles:
            handle.remove()
    # What is read where it is written, as by an SAE, has to be affine in what comes before it.
    held = {name.partition(":")[0] for name in first if name not in reads}
    opened = [*_layers(model, calls), *(f"{name.partition(':')[0]}." for name in (*first, *reads))]
    search = _Search(model, calls, held, opened, split.time)
    with eval_mode(model):
        found = search.bent_within("")
    # What has no row a step, such as a pooled output, is no part of the stream.
    return [*first, *(path for path in found if calls[path].fits and path not in first)]


def token_embedding(model: nn.Module) -> str | None:
    """The path of the token embedding: the model's own, or else its first `nn.Embedding`."""
    table = None
    getter = getattr(model, "get_input_embeddings", None)
    if callable(getter):
        with suppress(Exception):  # a model without tokens says so in its own way
            table = getter()
    modules = list(model.named_modules())
    own = [path for path, module in modules if module is table]
    return next(iter(own or [p for p, m in modules if isinstance(m, nn.Embedding)]), None)


@final
@dataclass(frozen=True)
class _Call:
    """Arguments of the first call of a module, and whether its output has one row a step."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    fits: bool


def _recorder(calls: dict[str, _Call], path: str, fits: Fits) -> Callable[..., None]:
    def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        tensors = floating_tensors(output)
        calls.setdefault(path, _Call(args, kwargs, bool(tensors) and fits(tensors[0])))

    return hook


@final
class _Search:
    """Finds the modules to cut, from the outside in.

    held: modules that are cut already. opened: paths of layers, which are looked into with all
    around them, and of sites with a dot behind, of which only what is around them is.
    """

    def __init__(
        self,
        model: nn.Module,
        calls: Mapping[str, _Call],
        held: set[str],
        opened: Sequence[str],
        time: int,
    ) -> None:
        self._model, self._calls, self._held, self._time = model, calls, held, time
        self._opened = opened
        self._draw = seeds.torch_generator(0, "perturbation of a module")

    def bent_within(self, path: str) -> list[str]:
        """The modules to cut so that the module at a path is affine."""
        if path in self._held:
            return []
        if path not in self._calls or self._is_opened(path):
            return self._of_children(path)
        bent, attends = self._is_bent(path, self._held)
        if not bent:
            return []
        inner = self._of_children(path) if attends else []
        if (
            inner
            and all(self._calls[one].fits for one in inner)
            and not self._is_bent(path, {*self._held, *inner})[0]
        ):
            return inner  # attention around modules that are cut
        return [path]

    def _of_children(self, path: str) -> list[str]:
        prefix = f"{path}." if path else ""
        names = [name for name, _ in submodule(self._model, path).named_children()]
        return [one for name in names for one in self.bent_within(f"{prefix}{name}")]

    def _is_opened(self, path: str) -> bool:
        prefix = f"{path}." if path else ""
        return any(one == path or one.rstrip(".").startswith(prefix) for one in self._opened)

    def _is_bent(self, path: str, held: set[str]) -> tuple[bool, bool]:
        """Whether the module is not affine in its inputs, and whether it has attention patterns."""
        call, module = self._calls[path], submodule(self._model, path)
        arguments = (call.args, dict(call.kwargs))
        moved = [x for x in floating_tensors(arguments) if x.requires_grad]
        inner = [one for one in held if one.startswith(f"{path}.")]
        outputs: dict[str, Any] = {}
        mode = FrozenFunctions()
        base = self._run(
            module, arguments, mode, {p: submodule(self._model, p) for p in inner}, outputs
        )
        attends = any(self._is_pattern(value) for value in mode.values)
        if not moved:
            return False, attends
        moves = [torch.randn(x.shape, generator=self._draw).to(x) for x in moved]
        sides = []
        for sign in (1, -1):
            shifted: Any = arguments
            for x, move in zip(moved, moves, strict=True):
                spread = x.detach().square().mean().sqrt()
                shifted = substitute(shifted, x, x.detach() + sign * move * spread)
            try:
                replay = FrozenFunctions(mode.values)
                held_modules = {p: submodule(self._model, p) for p in inner}
                sides.append(self._run(module, shifted, replay, held_modules, outputs))
            except DataError:  # it calls other functions on other inputs
                return True, attends
        return _second_difference(base, *sides) > _BENT, attends

    def _is_pattern(self, value: FrozenValue) -> bool:
        """Whether a softmax is over steps, and not over the experts of a mixture."""
        square = (self._time, self._time)
        return value.kind == "attention pattern" and tuple(value.value.shape[-2:]) == square

    def _run(
        self,
        module: nn.Module,
        arguments: tuple[Any, dict[str, Any]],
        mode: FrozenFunctions,
        held: Mapping[str, nn.Module],
        outputs: dict[str, Any],
    ) -> list[Tensor]:
        """The tensors that a module returns; held modules return what they did at first."""

        def begin(*_: Any) -> None:
            mode.suspend()

        def end(path: str) -> Callable[..., Any]:
            def hook(_: nn.Module, __: Any, output: Any) -> Any:
                mode.resume()
                return outputs.setdefault(path, output)

            return hook

        handles = []
        for path, one in held.items():
            handles += [hook_input(one, begin), hook_output(one, end(path))]
        try:
            with torch.no_grad(), mode:
                args, kwargs = arguments
                return [x.detach() for x in floating_tensors(module(*args, **kwargs))]
        finally:
            for handle in handles:
                handle.remove()


def _second_difference(base: list[Tensor], up: list[Tensor], down: list[Tensor]) -> float:
    """Largest f(x + d) + f(x - d) - 2 f(x) as a share of the largest first difference."""
    largest = 0.0
    for here, above, below in zip(base, up, down, strict=True):
        if here.shape != above.shape or not here.numel():
            return float("inf")
        size = max(float((above - below).abs().max()), 0.01 * float(here.abs().max()))
        if size:
            largest = max(largest, float((above + below - 2 * here).abs().max()) / size)
    return largest


def _layers(model: nn.Module, called: Iterable[str]) -> list[str]:
    """Paths of the layers: called items of the outermost `ModuleList`s, or else `Sequential`s."""
    names = set(called)
    for kind in (nn.ModuleList, nn.Sequential):
        layers: list[str] = []
        for path, module in model.named_modules():
            if isinstance(module, kind) and not any(path.startswith(f"{one}.") for one in layers):
                items = (f"{path}.{name}" if path else name for name, _ in module.named_children())
                layers += [item for item in items if item in names]
        if layers:
            return layers
    return []
