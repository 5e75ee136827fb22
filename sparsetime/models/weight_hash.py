"""Hash of a model's weights, by which stores and dictionaries recognise their model."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from sparsetime.errors import ConfigError


def weight_hash(module: nn.Module) -> str:
    """SHA-256 over the names, dtypes, shapes and bytes of the module's state, as hex.

    Errors: ConfigError where the weights are on the meta device and so have no bytes.
    """
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
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
