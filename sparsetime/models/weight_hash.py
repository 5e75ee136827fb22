"""Hash of a model's weights, by which stores and dictionaries recognise their model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from sparsetime.errors import ConfigError
from sparsetime.models.wrappers import plain_paths

_PACKED = (torch.qint8, torch.quint8, torch.qint32)  # of tensors that hold their own scales


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
        _update(digest, name, value)
    return digest.hexdigest()


def _update(digest: Any, name: str, value: Any) -> None:
    """Add one entry of a state: a tensor, a container of some, or a setting.

    Quantised weights are tensors of whole numbers with scales, packed into tuples or behind classes
    of their own; the text of a large tensor leaves most of it out.
    """
    if isinstance(value, tuple | list):
        for number, one in enumerate(value):
            _update(digest, f"{name}.{number}", one)
        return
    if not isinstance(value, torch.Tensor):
        digest.update(f"{name} {value!r}\n".encode())
        return
    if value.is_meta:
        raise ConfigError(
            f"the weight {name!r} is on the meta device and has no values: load the model's "
            f"weights before using it. A model that accelerate offloads to the CPU or a disk is "
            f"loaded with a device_map without 'cpu' and 'disk'"
        )
    digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
    flatten = getattr(value, "__tensor_flatten__", None)
    if flatten is not None:  # a class of quantised tensors
        inner, about = flatten()
        digest.update(f"{about!r}\n".encode())
        for one in inner:
            _update(digest, f"{name}.{one}", getattr(value, one))
        return
    if value.dtype in _PACKED:
        per_channel = value.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric)
        if per_channel:
            _update(digest, f"{name}.scales", value.q_per_channel_scales())
            _update(digest, f"{name}.zeros", value.q_per_channel_zero_points())
        else:
            digest.update(f"{value.q_scale()} {value.q_zero_point()}\n".encode())
        value = value.int_repr()
    flat = value.detach().cpu().contiguous().reshape(-1)
    if flat.numel():
        digest.update(flat.view(torch.uint8).numpy().data)
