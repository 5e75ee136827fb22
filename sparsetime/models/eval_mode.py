"""Evaluation mode for a forward pass, restored afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Inference without dropout and gradients; every module's mode is put back afterwards.

    Fused attention is off within, since it runs a whole layer without calling the sites inside.
    `torch.inference_mode` is not used: tensors that a model caches in it, such as tables of rotary
    embeddings, could not be used in training later.
    """
    # Modules of frozen TorchScript have no mode.
    modes = [(module, module.training) for module in model.modules() if hasattr(module, "training")]
    fused = torch.backends.mha.get_fastpath_enabled()
    # Setting attributes of all modules takes a fifth of a small model's pass of one token.
    if any(mode for _, mode in modes):
        model.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, mode in modes:
            if module.training != mode:
                module.training = mode
