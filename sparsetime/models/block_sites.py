"""Sites of a transformer's layer by their role, found by running the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel
from sparsetime.models.model_errors import explained
from sparsetime.models.site_tensors import input_activation, output_activation
from sparsetime.models.sites import example_input
from sparsetime.models.wrappers import hook_call

_TOLERANCE = 1e-4  # of the largest entry, in float32
_ATTENTION = ("attn", "attention")  # a part of the name of the module that attends


@final
@dataclass(frozen=True)
class BlockSites:
    """Sites of one layer, by role; None where no module has that activation.

        resid_mid = resid_pre + attn_out;    resid_post = resid_mid + mlp_out

    resid_pre, resid_mid, resid_post: the residual stream. attn_out, mlp_out: what is added to it,
    after a norm behind the module where the layer has one. mlp_in: what the MLP reads. z: the
    heads' outputs, joined, which the output projection reads.
    """

    resid_pre: str
    resid_post: str
    attn_out: str | None
    mlp_out: str | None
    resid_mid: str | None
    mlp_in: str | None
    z: str | None


@final
@dataclass(frozen=True, eq=False)
class _Call:
    path: str
    module: nn.Module
    read: Tensor
    wrote: Tensor


def layer_paths_of(model: nn.Module) -> list[str]:
    """Paths of the layers: the longest list of modules of one class, the outermost of equals.

    Errors: ConfigError where there is no such list.
    """
    lists = [
        (path, module)
        for path, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len({type(m) for m in module}) == 1
    ]
    if not lists:
        raise ConfigError(
            "got a model without a list of layers, expected a transformer's; name the site by its "
            "module (sparsetime sites)"
        )
    count = getattr(getattr(model, "config", None), "num_hidden_layers", None)
    known = [(path, layers) for path, layers in lists if len(layers) == count]
    path, layers = max(known or lists, key=lambda found: (len(found[1]), -len(found[0])))
    return [f"{path}.{number}" for number in range(len(layers))]


def block_sites(
    model: LoadedModel, layer: int, sample: Tensor | Mapping[str, Any] | None = None
) -> BlockSites:
    """The sites of a layer, by running the model once: no list of architectures is read.

    What a layer adds to the stream is the sum of the outputs of two of its modules; the one that
    attends is known by its name, or by being called first.

    sample: an input of the model; a language model of transformers needs none.

    Errors: ConfigError for a layer that is not there, and for a model that needs a sample.
    """
    paths = layer_paths_of(model.model)
    if not 0 <= layer < len(paths):
        raise ConfigError(f"got layer {layer}, expected one of the {len(paths)} of {model.name!r}")
    calls = _run(model, paths[layer], sample)
    block = calls[paths[layer]]
    inner = [call for path, call in calls.items() if path != paths[layer]]
    added = block.wrote - block.read if block.wrote.shape == block.read.shape else None
    # Only what is as wide as the stream; a dropout that is off repeats what it reads.
    wide = [
        one for one in _outermost(inner) if added is not None and one.wrote.shape == added.shape
    ]
    pair = next(
        (
            (a, b)
            for i, a in enumerate(wide)
            for b in wide[i + 1 :]
            if added is not None and _equal(a.wrote + b.wrote, added)
        ),
        None,
    )
    if pair is None:
        return BlockSites(f"{block.path}:input", block.path, None, None, None, None, None)
    attention, mlp = sorted(pair, key=lambda call: not _attends(call, inner))
    middle = block.read + attention.wrote
    mids = [one for one in inner if one.read.shape == middle.shape and _equal(one.read, middle)]
    within = _module_before(mlp, inner)
    return BlockSites(
        f"{block.path}:input",
        block.path,
        attention.path,
        mlp.path,
        f"{mids[0].path}:input" if mids else None,
        f"{within.path}:input",
        _projection(_module_before(attention, inner), inner),
    )


def _outermost(inner: list[_Call]) -> list[_Call]:
    """The modules without those whose output a module around them returns as it is."""
    return [
        one
        for one in inner
        if not any(
            one.path.startswith(f"{around.path}.") and _same(one.wrote, around.wrote)
            for around in inner
        )
    ]


def _attends(call: _Call, inner: list[_Call]) -> bool:
    """Whether a module attends, or is the norm behind one that does."""
    source = _module_before(call, inner)
    return any(word in source.path.rpartition(".")[2] for word in _ATTENTION)


def _module_before(call: _Call, inner: list[_Call]) -> _Call:
    """The module whose output a norm scales; the module itself where it is none."""
    if any(module is not call.module for module in call.module.modules()):
        return call
    made = [one for one in inner if one is not call and _same(one.wrote, call.read)]
    # The outermost of those that return it.
    return min(made, key=lambda one: one.path.count("."), default=call)


def _projection(attention: _Call, inner: list[_Call]) -> str | None:
    """The input of the linear map within attention that makes its output."""
    for one in inner:
        is_within = one.path.startswith(f"{attention.path}.")
        if is_within and _is_linear(one.module) and _same(one.wrote, attention.wrote):
            return f"{one.path}:input"
    return None


def _is_linear(module: nn.Module) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.dim() == 2


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(torch.equal(a, b))


def _equal(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= _TOLERANCE * b.abs().max())


def _run(
    model: LoadedModel, layer: str, sample: Tensor | Mapping[str, Any] | None
) -> dict[str, _Call]:
    """Input and output of the layer and of every module within it, in the order of their ends."""
    inputs = example_input(model.model) if sample is None else sample
    if inputs is None:
        raise ConfigError(f"the model {model.name!r} needs an input to run on; give one as sample=")
    calls: dict[str, _Call] = {}
    handles = []

    def recorder(path: str) -> Callable[..., None]:
        def record(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            try:
                read = input_activation(module, args, kwargs, path)
                wrote = output_activation(output, path)
            except (ConfigError, DataError):  # no activation, or several: no site of a role
                return
            calls.setdefault(path, _Call(path, module, read.detach(), wrote.detach()))

        return record

    for path, module in model.model.named_modules():
        if path == layer or path.startswith(f"{layer}."):
            handles.append(hook_call(module, recorder(path)))
    try:
        with eval_mode(model.model), explained("the model cannot run on the sample"):
            model.model(**inputs) if isinstance(inputs, Mapping) else model.model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return calls
