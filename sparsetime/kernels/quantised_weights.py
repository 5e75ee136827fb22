"""Weights as 8-bit integers, computed once for weights that do not change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from sparsetime.kernels import loops
from sparsetime.kernels.kept_of_weight import is_same, state_of
from sparsetime.kernels.selection_rules import LEAST_OF_INTEGERS


@dataclass(frozen=True)
class QuantisedWeights:
    """Rows of a weight as 8-bit integers, in the order of `loops.panels_of_integers`.

        weight[i, j] = (integer[i, j] - 128) * scale_i + rounding

    panels: uint8 [panels, d / 4, 64, 4]; scales and norms: [panels * 64], 0 beyond the last row.
    tile: the rows and the multiple of dimensions by which they are multiplied.
    """

    panels: np.ndarray
    scales: np.ndarray
    norms: np.ndarray
    width: int
    tile: tuple[int, int]


# Of each living storage of a weight: what identified its numbers, and their integers. Not of the
# weight: torch swaps no tensor that has a weak reference.
_kept: WeakIdKeyDictionary = WeakIdKeyDictionary()


def quantised(weight: Float[Tensor, "width d"], keep: bool = False) -> QuantisedWeights:
    """The weight as 8-bit integers: kept ones where it has not changed since.

    keep: keep them for the next call, in a quarter of the weight's memory, as long as its storage
    lives; of weights that share a storage, those of the last. A change shows as `state_of` says;
    old integers could only propose other entries: values are computed from the weight itself.
    """
    storage = weight.untyped_storage()
    kept = _kept.get(storage)
    known = (keep or kept is not None) and not weight.is_inference()
    now = state_of(weight) if known else None
    if now is not None and kept is not None and is_same(kept[0], now):
        integers: QuantisedWeights = kept[1]
        return integers
    rows = weight.detach()
    rows = rows if rows.dtype == torch.float32 else rows.float()
    width = weight.shape[0]
    # Two threads that miss at once both compute the same.
    tile = (loops.MATRIX_ROWS, loops.MATRIX_BYTES) if multiplies_matrices() else (loops.ROWS, 4)
    panels, scales, norms = loops.panels_of_integers(rows.contiguous().numpy(), tile[1])
    integers = QuantisedWeights(panels, scales, norms, width, tile)
    if keep and now is not None:
        _kept[storage] = (now, integers)
    else:
        _kept.pop(storage, None)
    return integers


def in_panels(width: int) -> bool:
    """Whether products with weights of this width are computed in panels."""
    return width >= LEAST_OF_INTEGERS and _has_vnni()


@cache
def multiplies_matrices() -> bool:
    """Whether products are computed by AMX, which a process has to ask the system for."""
    ask = getattr(torch.cpu, "_init_amx", bool)  # not in every version of torch
    return bool(loops.has_matrices() and ask())


@cache
def _has_vnni() -> bool:
    return bool(loops.has_vnni())
