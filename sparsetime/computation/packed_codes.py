"""Codes of a few bits, one behind the other, the highest bit of the first code first."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor


def pack_codes(codes: Int[Tensor, ...], bits: int) -> UInt8[Tensor, " bytes"]:
    """Codes from 0 to less than 2^bits, in their order. bits: from 1 to 8."""
    columns = codes.flatten().cpu().numpy().astype(np.uint8)[:, None]
    return torch.from_numpy(np.packbits(np.unpackbits(columns, axis=1)[:, 8 - bits :]))


def unpack_codes(packed: UInt8[Tensor, " bytes"], bits: int, count: int) -> Int[Tensor, " count"]:
    """The codes that `pack_codes` packed. Errors: ValueError where it has too few bits."""
    wide = np.zeros((count, 8), dtype=np.uint8)
    wide[:, 8 - bits :] = np.unpackbits(packed.cpu().numpy(), count=count * bits).reshape(-1, bits)
    return torch.from_numpy(np.packbits(wide, axis=1)[:, 0].astype(np.int64))
