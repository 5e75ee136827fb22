"""Product of 8-bit integers by torch."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor


def integer_product(
    a: Int[Tensor, "rows d"], b: Int[Tensor, "columns d"], out: Int[Tensor, "rows columns"]
) -> Int[Tensor, "rows columns"]:
    """Write `a @ b.T` of int8 to `out`, in int32."""
    if a.shape[1] > 1:
        return torch._int_mm(a, b.T, out=out)
    # Of one term torch._int_mm is wrong on some processors; float32 holds the product exactly.
    return out.copy_(a.float() @ b.float().T)
