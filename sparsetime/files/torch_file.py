"""Bytes of a file of `torch.save`, for other programs; sparsetime keeps nothing of its own so."""

from __future__ import annotations

import io
from collections.abc import Mapping

import torch
from torch import Tensor


def torch_file_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Tensors by name, as `torch.load(..., weights_only=True)` reads them; no checksum."""
    stream = io.BytesIO()
    torch.save({name: tensor.contiguous() for name, tensor in tensors.items()}, stream)
    return stream.getvalue()
