"""Masks as bits: eight entries a byte, the first entry in the highest bit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from torch import Tensor


def pack_mask(mask: Bool[Tensor, ...]) -> UInt8[Tensor, " bytes"]:
    """The entries of a mask in their order, a bit each."""
    return torch.from_numpy(np.packbits(mask.flatten().cpu().numpy()))


def unpack_mask(packed: UInt8[Tensor, " bytes"], shape: Sequence[int]) -> Bool[Tensor, ...]:
    """The mask that `pack_mask` packed. Errors: ValueError where it has too few bits."""
    count = int(np.prod(shape))
    bits = np.unpackbits(packed.cpu().numpy(), count=count).astype(bool)
    return torch.from_numpy(bits).reshape(tuple(shape))
