"""Identity of a model: a hash of its weights, and one of settings that it computes with."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, SimpleNamespace
from typing import Any

import torch
from torch import nn

from sparsetime.models.weight_hash import hash_with_wrappers, weight_hash
from sparsetime.models.wrappers import (
    has_wrappers,
    is_wrapper,
    plain_paths,
    submodule,
    unwrapped,
)

#: Between the hash of the weights and that of the settings.
SETTINGS_MARK = "+"
_LENGTH = 16  # digits of the hash of the settings
# Entries of a config that change no activation in inference.
_NOT_COMPUTED = (
    "architectures",
    "attn_implementation",
    "auto_map",
    "dtype",
    "id2label",
    "inplace",
    "keys_to_ignore_at_inference",
    "label2id",
    "layer_idx",
    "name_or_path",
    "num_labels",
    "output_attentions",
    "output_hidden_states",
    "problem_type",
    "return_dict",
    "task_specific_params",
    "tie_word_embeddings",
    "tokenizer_class",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "use_cache",
)
_NOT_COMPUTED_PARTS = ("drop", "initializer", "_token_id", "gradient_checkpointing")


def model_hash(module: nn.Module) -> str:
    """The identity of a model: its `weight_hash`, and a hash of its settings behind a plus sign.

    Settings are what two models of equal weights may compute differently with: entries of a config
    that differ from their defaults (the base of rotary positions, say), and the constructor's
    arguments that modules keep as attributes. Wrappers, dropout and names are no part of it.

    Errors: ConfigError where the weights are on the meta device.
    """
    weights = weight_hash(module)
    settings = computation_settings(module)
    if not settings:
        return weights
    text = json.dumps(settings, sort_keys=True)
    return f"{weights}{SETTINGS_MARK}{hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]}"


def same_model(one: str | None, other: str | None) -> bool:
    """Whether two hashes are of one model.

    Hashes of 0.1.0 have no part for settings; they are compared by the weights alone.
    """
    weights, _, settings = (one or "").partition(SETTINGS_MARK)
    other_weights, _, other_settings = (other or "").partition(SETTINGS_MARK)
    if weights != other_weights:
        return False
    return not settings or not other_settings or settings == other_settings


def is_model(module: nn.Module, own: str, stored: str | None) -> bool:
    """Whether a module, whose hash is `own`, is the one of a stored hash.

    A module that 0.1.0 hashed inside of its wrappers is recognised too.
    """
    if same_model(own, stored):
        return True
    # Without wrappers the hash is the one that was compared, and takes seconds of a large model.
    return has_wrappers(module) and hash_with_wrappers(module) == stored


def computation_settings(module: nn.Module) -> dict[str, Any]:
    """The settings of a module that its activations may depend on, as JSON."""
    inner = unwrapped(module)
    config = getattr(inner, "config", None)
    settings: dict[str, Any] = {}
    changed = _config(config)
    if changed:
        settings["config"] = changed
    if isinstance(inner, torch.jit.ScriptModule) and not inner.state_dict():
        settings["script"] = _frozen_script(inner)
    if _is_of(inner, "transformers"):  # whose modules compute what the config says
        return settings
    for path, plain in plain_paths(module).items():
        child = submodule(module, path)
        if not isinstance(child, torch.jit.ScriptModule) and not is_wrapper(child):
            own = _arguments(child)
            if own:
                settings[plain] = own
    return settings


def _frozen_script(module: torch.jit.ScriptModule) -> str:
    """Hash of frozen TorchScript, whose weights are constants of its code."""
    code, constants = module.code_with_constants
    digest = hashlib.sha256(code.encode())
    for name, value in sorted(constants.const_mapping.items()):
        digest.update(name.encode())
        if isinstance(value, torch.Tensor):
            digest.update(
                value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
            )
    return digest.hexdigest()


def _config(config: Any) -> dict[str, Any]:
    """The entries of a model's config that differ from the defaults of its class."""
    differing = getattr(config, "to_diff_dict", None)
    if callable(differing):
        return _computed(differing())
    if isinstance(config, Mapping):
        return _computed(config)
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        return _computed(dataclasses.asdict(config))
    return _computed(vars(config)) if isinstance(config, SimpleNamespace) else {}


def _computed(entries: Mapping[Any, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in entries.items():
        name = str(key).lstrip("_")
        if name in _NOT_COMPUTED or any(part in name for part in _NOT_COMPUTED_PARTS):
            continue
        plain = _computed(value) if isinstance(value, Mapping) else _plain(value)
        if plain is not None:
            kept[name] = plain
    return kept


def _arguments(module: nn.Module) -> dict[str, Any]:
    """Arguments of the constructor that the module keeps under their names.

    Other attributes may be counters or caches that change when the module runs.
    """
    if "drop" in type(module).__name__.lower():
        return {}
    try:
        names = inspect.signature(type(module).__init__).parameters
    except (TypeError, ValueError):
        return {}
    return _computed({n: vars(module)[n] for n in names if n in vars(module)})


def _plain(value: Any) -> Any:
    """A number, text, function name or sequence of them as JSON; None for anything else."""
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return repr(value)  # also infinity, which JSON lacks
    if isinstance(value, list | tuple):
        parts = [_plain(item) for item in value]
        return parts if all(part is not None for part in parts) else None
    if isinstance(value, FunctionType | BuiltinFunctionType):
        return value.__name__
    return None


def _is_of(module: nn.Module, package: str) -> bool:
    return type(module).__module__.partition(".")[0] == package
