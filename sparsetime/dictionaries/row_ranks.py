"""Which of a row's latents is the strongest, the second, and so on."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.kernels import Support


@torch.no_grad()
def ranks(values: Float[Tensor, " entries"], support: Support) -> Int[Tensor, " entries"]:
    """The rank of every entry within its row: 0 for the strongest; of equal ones the first."""
    by_value = values.argsort(descending=True, stable=True)
    order = by_value[support.row_of_entry[by_value].argsort(stable=True)]
    places = torch.arange(order.shape[0], device=order.device)
    found = torch.empty_like(order)
    found[order] = places - support.offsets[support.row_of_entry]
    return found
