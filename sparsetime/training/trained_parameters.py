"""Parameters that a training moves, and errors where it would move none."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.errors import ConfigError


def trained_parameters(module: nn.Module, what: str) -> dict[str, nn.Parameter]:
    """The parameters that require a gradient, by name; the others are frozen.

    what: the module, in errors.

    Errors: ConfigError where weights have no values, or cannot be changed.
    """
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        if tensor.is_meta:
            raise ConfigError(
                f"{what} has its weight {name!r} on the meta device, where it has no values; make "
                "it on the device that it is trained on"
            )
        if tensor.is_inference():
            raise ConfigError(
                f"{what} was made within torch.inference_mode(), so its weight {name!r} cannot "
                "learn; make or load it outside of that block"
            )
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def nothing_to_train(module: nn.Module, what: str) -> ConfigError:
    """The error for a module of which every parameter is frozen."""
    count = sum(1 for _ in module.parameters())
    return ConfigError(
        f"{what} cannot learn: none of its {count} parameters requires a gradient. Call "
        "requires_grad_(True) on it, or on those of its components that shall learn"
    )


def check_reached(loss: Float[Tensor, ""], trained: Mapping[str, nn.Parameter], what: str) -> None:
    """Errors: ConfigError where the loss depends on no trained parameter."""
    if not loss.requires_grad:
        raise ConfigError(
            f"{what} depends on none of the parameters that require a gradient "
            f"({', '.join(trained)}), so training would move nothing. Call requires_grad_(True) on "
            "those of the encoder or the decoder that shall learn"
        )
