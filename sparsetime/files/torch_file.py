"""Bytes of a file of `torch.save`, for other programs; sparsetime keeps nothing of its own so."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch


def torch_file_bytes(values: Mapping[str, Any]) -> bytes:
    """Tensors and plain values by name, as `torch.load(..., weights_only=True)` reads them."""
    stream = io.BytesIO()
    torch.save(dict(values), stream)
    return stream.getvalue()
