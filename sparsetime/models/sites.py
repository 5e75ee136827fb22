"""Sites: the places in a model where activations are captured, inputs and outputs of modules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError, unknown_name
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.extra_sites import extra_site_path
from sparsetime.models.forward_signature import forward_parameters, takes_any_keyword
from sparsetime.models.load import LoadedModel, load_model, vocabulary_size
from sparsetime.models.model_errors import explained
from sparsetime.models.recurrent_layers import layer_paths
from sparsetime.models.site_tensors import input_activation, output_activation
from sparsetime.models.wrappers import hook_input, hook_output, plain_paths, submodule

WHOLE_MODEL = "."
_SAMPLE_TOKENS = 8


@dataclass(frozen=True)
class Site:
    """The input or the output of one module of a model.

    `path` is the module's own path, "." for the whole model. `part` names one argument of the
    input, or one item of the output, where there are several. Shapes are those of one sample, and
    None where no sample was run, or where the module was not called or has no tensor. `wrapped` is
    the path with the wrappers of `torch.compile` and the like, where it differs. `layer` is the
    number of a layer within `torch.nn.LSTM`, `GRU` or `RNN`, whose path is theirs and "layers.1".
    """

    path: str
    kind: str
    output_shape: tuple[int, ...] | None = None
    input_shape: tuple[int, ...] | None = None
    side: Literal["input", "output"] = "output"
    part: str = ""
    wrapped: str | None = None
    layer: int | None = None

    @property
    def name(self) -> str:
        """The site's name: "layers.3", "layers.3:input", "layers.3:input.hidden"."""
        if self.part:
            return f"{self.path}:{self.side}.{self.part}"
        return self.path if self.side == "output" else f"{self.path}:{self.side}"

    @property
    def module_path(self) -> str:
        """The path that `torch.nn.Module.get_submodule` takes."""
        if self.wrapped is not None:
            return self.wrapped
        return "" if self.path == WHOLE_MODEL else self.path

    @property
    def folder(self) -> str:
        """A folder name for this site's activations, safe on every file system."""
        path = "whole_model" if self.path == WHOLE_MODEL else self.path
        if not self.part:
            return path if self.side == "output" else f"{path}.{self.side}"
        return f"{path}.{self.side}.{re.sub(r'[^A-Za-z0-9_.-]', '_', self.part)}"


def sites(
    model: str | Path | nn.Module | LoadedModel, sample: Tensor | Mapping[str, Any] | None = None
) -> list[Site]:
    """Every site of the model, in the order the model defines them.

    `sample` is one batch: a tensor for the model's first argument, or a mapping of its named
    ones; with it every site has its shapes. A `transformers` language model needs none: it runs on
    a few example tokens, and where it does not take them the sites have no shapes. Modules within
    TorchScript are not listed, since none of them can be reached.

    Errors: DataError where the model cannot run on the sample.
    """
    module = load_model(model).model
    listed = list(_sites(module).values())
    if sample is None:
        sample = example_input(module)
        if sample is None:
            return listed
        try:
            shapes = _shapes(module, sample)
        except DataError:  # the sample is made up, so that it fails says nothing about the model
            return listed
    else:
        shapes = _shapes(module, sample)
    return [
        replace(
            site,
            output_shape=shapes.get((site.module_path, "output")),
            input_shape=shapes.get((site.module_path, "input")),
        )
        for site in listed
    ]


def resolve_site(model: nn.Module, name: str) -> Site:
    """The site of that name: a module's path, with ":input" or ":output" (the default) behind it.

    A part of them is named behind a dot: ":input.hidden" is the argument `hidden`, ":output.1" the
    second item of a tuple. Paths of a compiled or distributed model may leave the wrapper out.
    "blocks.1:reads" is an extra site of a sequence model, short for "blocks.1.mixer.sites.reads".

    Errors: UnknownNameError, with the closest paths or arguments; ConfigError for another side,
    and for a module within TorchScript.
    """
    path, colon, end = name.partition(":")
    side, _, part = end.partition(".")
    if colon and side not in ("input", "output"):
        return resolve_site(model, extra_site_path(model, path, end))
    known = _sites(model)
    own = {real or WHOLE_MODEL: m for real, m in model.named_modules(remove_duplicate=False)}
    if path in known:
        found = known[path]
    elif path not in own:
        raise unknown_name("site", path, known, hint="`sparsetime sites MODEL` lists them all.")
    elif _is_within(path, _scripted(model)):
        raise ConfigError(
            f"the site {name!r} lies within TorchScript, whose modules run without hooks; capture "
            f"the site {WHOLE_MODEL!r}, or load the model as a torch.nn.Module"
        )
    else:  # a path with the wrappers that it leads through
        found = Site(path, type(own[path]).__name__)
    site = replace(found, side="input" if side == "input" else "output", part=part)
    if site.layer is not None and (part or site.side == "input"):
        raise ConfigError(
            f"the site {name!r} names a part of a layer that its module computes in one call; "
            f"choose the output of the layer, {site.path!r}"
        )
    if part and site.side == "input":
        _check_argument(submodule(model, site.module_path), part, name)
    return site


def _check_argument(module: nn.Module, part: str, name: str) -> None:
    parameters = forward_parameters(module)
    if not parameters or takes_any_keyword(parameters):
        return
    if part.partition(".")[0] not in parameters:
        raise unknown_name(f"argument in the site {name!r}", part, parameters)


def _sites(model: nn.Module) -> dict[str, Site]:
    """Every site by its plain path; a module with two paths is listed at both."""
    plain, scripted = plain_paths(model), _scripted(model)
    listed: dict[str, Site] = {}
    for real, module in model.named_modules(remove_duplicate=False):
        path = plain[real] or WHOLE_MODEL
        # A wrapper and the module inside have one plain path; the outer one comes first.
        if path not in listed and not _is_within(real, scripted):
            wrapped = None if (real or WHOLE_MODEL) == path else real
            kind = type(module).__name__
            listed[path] = Site(path, kind, wrapped=wrapped)
            for own, layer in layer_paths(module, plain[real]).items():
                listed[own] = Site(own, f"{kind} layer", wrapped=real, layer=layer)
    return listed


def _scripted(model: nn.Module) -> list[str]:
    """Paths of the modules that are TorchScript, which calls the modules inside without hooks."""
    named = model.named_modules(remove_duplicate=False)
    return [path for path, module in named if isinstance(module, torch.jit.ScriptModule)]


def _is_within(path: str, outer: list[str]) -> bool:
    return any(path.startswith(f"{one}." if one else "") and path != one for one in outer)


def example_input(model: nn.Module) -> Mapping[str, Any] | None:
    """A few tokens for a text model of transformers; None for other models."""
    # The config identifies a text model of transformers; other models may take any input.
    size = vocabulary_size(model)
    if size is None or not hasattr(getattr(model, "config", None), "vocab_size"):
        return None
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    tokens = torch.arange(_SAMPLE_TOKENS, device=device).remainder(size)[None]
    sample = {"input_ids": tokens}
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        sample["decoder_input_ids"] = tokens
    return sample


def _shapes(
    model: nn.Module, sample: Tensor | Mapping[str, Any]
) -> dict[tuple[str, str], tuple[int, ...]]:
    shapes: dict[tuple[str, str], tuple[int, ...]] = {}

    def record(path: str, side: str, tensor: Callable[[], Tensor]) -> None:
        try:
            shapes.setdefault((path, side), tuple(tensor().shape))
        except (ConfigError, DataError):  # no activation, or several: the site has no one shape
            return

    def hooks(path: str) -> tuple[Any, Any]:
        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            record(path, "input", lambda: input_activation(module, args, kwargs, path))

        def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            record(path, "output", lambda: output_activation(output, path))

        return before, after

    handles = []
    scripted = _scripted(model)
    try:
        for path, module in model.named_modules(remove_duplicate=False):
            if _is_within(path, scripted):
                continue
            before, after = hooks(path)
            handles.append(hook_input(module, before))
            handles.append(hook_output(module, after))
        with eval_mode(model), explained("the model cannot run on the sample"):
            if isinstance(sample, Mapping):
                model(**sample)
            else:
                model(sample)
    finally:
        for handle in handles:
            handle.remove()
    return shapes
