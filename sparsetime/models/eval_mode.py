"""Running somebody's model without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Inference without dropout and gradients; every module's mode is put back afterwards.

    Fused attention is off within: it runs a whole layer at once, past the sites inside it. Not
    torch's inference mode: what a model then keeps for later, as tables of rotary embeddings, it
    could never train with again.
    """
    modes = [(module, module.training) for module in model.modules()]
    fused = torch.backends.mha.get_fastpath_enabled()
    model.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, mode in modes:
            module.training = mode
