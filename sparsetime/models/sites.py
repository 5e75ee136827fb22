"""Sites: the places in a model where activations are captured, inputs and outputs of modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sparsetime.errors import ConfigError, DataError, unknown_name
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel, load_model, vocabulary_size
from sparsetime.models.site_tensors import activation_in

WHOLE_MODEL = "."
_SAMPLE_TOKENS = 8


@dataclass(frozen=True)
class Site:
    """The input or the output of one module of a model.

    `path` is the module's own path, "." for the whole model. Shapes are those of one sample, and
    None where no sample was run, or where the module was not called or has no tensor.
    """

    path: str
    kind: str
    output_shape: tuple[int, ...] | None = None
    input_shape: tuple[int, ...] | None = None
    side: Literal["input", "output"] = "output"

    @property
    def name(self) -> str:
        """The site's name: "encoder.layer.3", or "encoder.layer.3:input"."""
        return self.path if self.side == "output" else f"{self.path}:{self.side}"

    @property
    def module_path(self) -> str:
        """The path that `torch.nn.Module.get_submodule` takes."""
        return "" if self.path == WHOLE_MODEL else self.path

    @property
    def folder(self) -> str:
        """A folder name for this site's activations, safe on every file system."""
        path = "whole_model" if self.path == WHOLE_MODEL else self.path
        return path if self.side == "output" else f"{path}.{self.side}"


def sites(
    model: str | Path | nn.Module | LoadedModel, sample: Tensor | Mapping[str, Any] | None = None
) -> list[Site]:
    """Every site of the model, in the order the model defines them.

    `sample` is one batch: a tensor for the model's first argument, or a mapping of its named
    ones; with it every site has its shapes. A `transformers` language model needs none: it runs on
    a few example tokens.

    Errors: DataError where the model cannot run on the sample.
    """
    module = load_model(model).model
    by_path = {path: Site(path, kind) for path, kind in _modules(module)}
    if sample is None:
        sample = _example_tokens(module)
    if sample is None:
        return list(by_path.values())
    shapes = _shapes(module, sample)
    return [
        replace(
            site,
            output_shape=shapes.get((site.path, "output")),
            input_shape=shapes.get((site.path, "input")),
        )
        for site in by_path.values()
    ]


def resolve_site(model: nn.Module, name: str) -> Site:
    """The site of that name: a module's path, with ":input" or ":output" (the default) behind it.

    Errors: UnknownNameError, with the closest paths; ConfigError for another side.
    """
    path, colon, side = name.partition(":")
    if colon and side not in ("input", "output"):
        raise ConfigError(
            f"the site {name!r} ends in {side!r}; behind the colon stands 'input' or 'output'"
        )
    kinds = dict(_modules(model))
    if path not in kinds:
        raise unknown_name("site", path, kinds, hint="`sparsetime sites MODEL` lists them all.")
    return Site(path, kinds[path], side="input" if side == "input" else "output")


def _modules(model: nn.Module) -> list[tuple[str, str]]:
    """Path and class of every module; a module with two paths is listed at both."""
    named = model.named_modules(remove_duplicate=False)
    return [(path or WHOLE_MODEL, type(module).__name__) for path, module in named]


def _example_tokens(model: nn.Module) -> Mapping[str, Any] | None:
    # The config identifies a text model of transformers; other models may take any input.
    size = vocabulary_size(model)
    if size is None or not hasattr(getattr(model, "config", None), "vocab_size"):
        return None
    device = next(model.parameters()).device
    tokens = torch.arange(_SAMPLE_TOKENS, device=device).remainder(size)[None]
    sample = {"input_ids": tokens}
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        sample["decoder_input_ids"] = tokens
    return sample


def _shapes(
    model: nn.Module, sample: Tensor | Mapping[str, Any]
) -> dict[tuple[str, str], tuple[int, ...]]:
    shapes: dict[tuple[str, str], tuple[int, ...]] = {}

    def record(path: str, side: str, value: Any) -> None:
        try:
            shapes.setdefault((path, side), tuple(activation_in(value, path).shape))
        except DataError:
            return

    def hooks(path: str) -> tuple[Any, Any]:
        def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            record(path, "input", args if args else kwargs)

        def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            record(path, "output", output)

        return before, after

    handles = []
    for path, module in model.named_modules(remove_duplicate=False):
        before, after = hooks(path or WHOLE_MODEL)
        handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(module.register_forward_hook(after))
    try:
        with eval_mode(model):
            if isinstance(sample, Tensor):
                model(sample)
            else:
                model(**sample)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"the model cannot run on the sample: {error}") from error
    finally:
        for handle in handles:
            handle.remove()
    return shapes
