"""Parameters without gradients for a while, as where only activations are differentiated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def constant_parameters(model: nn.Module) -> Iterator[None]:
    """Within the block no parameter takes gradients; those that did do so afterwards."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
