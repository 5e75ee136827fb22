"""Hash of a model's weights, by which stores and dictionaries recognise their model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from sparsetime.errors import ConfigError
from sparsetime.models.wrappers import plain_paths


def weight_hash(module: nn.Module) -> str:
    """SHA-256 over the names, dtypes, shapes and bytes of the module's state, as hex.

    Names are those without the wrappers of `torch.compile` and the like, so that a wrapped module
    has the hash of the plain one.

    Errors: ConfigError where the weights are on the meta device and so have no bytes.
    """
    return _hash(plain_state(module))


def hash_with_wrappers(module: nn.Module) -> str:
    """The hash by which 0.1.0 knew a wrapped module: over the names with the wrappers in them."""
    return _hash(module.state_dict())


def plain_state(module: nn.Module) -> dict[str, Any]:
    """The module's state by the names that it has without wrappers."""
    plain = plain_paths(module)
    state = {}
    for name, value in module.state_dict().items():
        path, dot, leaf = name.rpartition(".")
        within = plain.get(path, path)
        state[f"{within}{dot}{leaf}" if within else leaf] = value
    return state


def _hash(state: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        if not isinstance(value, torch.Tensor):
            digest.update(f"{name} {value!r}\n".encode())
            continue
        if value.is_meta:
            raise ConfigError(
                f"the weight {name!r} is on the meta device and has no values: load the model's "
                f"weights before using it"
            )
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        if flat.numel():
            digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
