"""Wrappers around a model, such as that of torch.compile: the module inside, and plain paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle

# The attribute with the module inside, by class name: no optional part of torch is imported.
_INNER = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "FullyShardedDataParallel": "_fsdp_wrapped_module",
    "CheckpointWrapper": "_checkpoint_wrapped_module",
}


def unwrapped(model: nn.Module) -> nn.Module:
    """The module inside of all wrappers."""
    while inner := _INNER.get(type(model).__name__):
        model = getattr(model, inner)
    return model


def is_wrapper(module: nn.Module) -> bool:
    """Whether a module only wraps another one."""
    return type(module).__name__ in _INNER


def submodule(model: nn.Module, path: str) -> nn.Module:
    """The module at a path, "" for the model itself; also within TorchScript."""
    module = model
    for name in path.split(".") if path else ():
        module = getattr(module, name)
    return module


def hook_input(module: nn.Module, hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args, kwargs)` before every forward pass of the module."""
    # TorchScript hides the method, and runs the hook of a module that is called from Python.
    return nn.Module.register_forward_pre_hook(module, hook, with_kwargs=True)


def hook_output(module: nn.Module, hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args, output)` after every forward pass of the module."""
    return nn.Module.register_forward_hook(module, hook)


def hook_call(module: nn.Module, hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args, kwargs, output)` after every forward pass of the module."""
    return nn.Module.register_forward_hook(module, hook, with_kwargs=True)


def plain_paths(model: nn.Module) -> dict[str, str]:
    """For the path of every module the path that it has in the model without wrappers."""
    paths = dict(model.named_modules(remove_duplicate=False))
    dropped = {
        f"{path}.{inner}" if path else inner
        for path, module in paths.items()
        if (inner := _INNER.get(type(module).__name__))
    }
    if not dropped:
        return {path: path for path in paths}
    return {path: _without(path, dropped) for path in paths}


def has_wrappers(model: nn.Module) -> bool:
    """Whether the model or a module within it is a wrapper."""
    return any(is_wrapper(module) for module in model.modules())


def _without(path: str, dropped: set[str]) -> str:
    parts = path.split(".")
    kept = [part for i, part in enumerate(parts) if ".".join(parts[: i + 1]) not in dropped]
    return ".".join(kept)
