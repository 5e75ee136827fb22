"""Hash of the weights with which a run started, by which an interrupted run is known again."""

from __future__ import annotations

import hashlib

from safetensors.torch import save as save_tensors
from torch import nn


def start_hash(module: nn.Module, path: str, resumed: bool, note: str = "") -> str:
    """SHA-256 of the weights with which the run into `path` started, followed by a note.

    It is kept with the object. Where a notebook's cell is interrupted and run again, the weights
    of the same object have changed, but the run is the same, and its checkpoint has its weights. A
    run without a checkpoint would start from the changed weights, and is another one.
    """
    starts: dict[str, str] = module.__dict__.setdefault("_starts", {})
    if path not in starts or not resumed:
        tensors = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
        starts[path] = hashlib.sha256(save_tensors(tensors)).hexdigest() + note
    return starts[path]
