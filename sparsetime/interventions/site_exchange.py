"""Exchange of the activations of one site: every call of its module continues with others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from sparsetime.errors import ConfigError
from sparsetime.models.site_tensors import Fits, input_activation, output_activation
from sparsetime.models.sites import resolve_site
from sparsetime.models.wrappers import hook_input, hook_output, submodule


def exchange(
    model: nn.Module,
    site: str,
    replaced: Callable[[Tensor], Tensor],
    fits: Fits | None = None,
) -> RemovableHandle:
    """Put `replaced(tensor)` in the place of the site's tensor, until the handle is removed.

    `replaced` maps the tensor as the module gives it, in its own layout and dtype, to one like it;
    a result that is the tensor itself leaves the call as it is. fits: which tensors have one row a
    step, where that is known.

    Errors: UnknownNameError for a site that does not exist; ConfigError for a layer within
    `torch.nn.LSTM` and the like.
    """
    target = resolve_site(model, site)
    if target.layer is not None:
        raise ConfigError(
            f"the site {site!r} is a layer that its module computes in one call with all others, "
            "so that nothing can be put in its place; choose the module, or build it as one module "
            "a layer"
        )

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        old = input_activation(module, args, kwargs, site, target.part, fits)
        new = replaced(old)
        return None if new is old else (substitute(args, old, new), substitute(kwargs, old, new))

    def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        old = output_activation(output, site, target.part, fits)
        new = replaced(old)
        return None if new is old else substitute(output, old, new)

    module = submodule(model, target.module_path)
    return hook_input(module, before) if target.side == "input" else hook_output(module, after)


def substitute(value: Any, old: Tensor, new: Tensor) -> Any:
    """The same structure with one tensor in the place of another."""
    if value is old:
        return new
    if isinstance(value, Mapping):
        items = {key: substitute(item, old, new) for key, item in value.items()}
        return items if type(value) is dict else type(value)(**items)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(substitute(item, old, new) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(substitute(item, old, new) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        changed = {name: substitute(getattr(value, name), old, new) for name in names}
        return dataclasses.replace(value, **changed)
    return value
