"""Tensors of a file of weights that another package carries."""

from __future__ import annotations

import io

import torch
from safetensors.torch import load
from torch import Tensor

from sparsetime.errors import DamagedError

# Where checkpoints of training programs keep the weights.
_STATES = ("state_dict", "model_state", "model_state_dict", "model")
_HEADER = slice(8, 9)  # where the header of safetensors begins, a JSON object


def tensors_of(data: bytes, where: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a checkpoint of torch.

    Of a checkpoint with several entries, those of its state dict. It is read with
    `weights_only=True`, whose reader builds tensors and plain containers and refuses all other
    objects, so that no code of the file is run. where: the name of the file in errors.

    Errors: DamagedError where a checkpoint holds anything but weights.
    """
    if data[_HEADER] == b"{":
        return load(data)
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # of torch's reader, which has no class of its own
        reason = str(error).partition("\n")[0]
        raise DamagedError(
            f"{where} does not hold weights alone, so it is not read: {reason}"
        ) from error
    state = next((loaded[key] for key in _STATES if key in loaded), loaded)
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}
