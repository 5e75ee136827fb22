"""What a row's partner has in the same latents."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.codes import SparseCode


def in_partner(
    code: SparseCode, partner: SparseCode
) -> tuple[Float[Tensor, " entries"], Bool[Tensor, " entries"]]:
    """For every entry of `code`, the strength of its latent in the same row of `partner`.

    Returns the strengths, zero where the latent is off there, with their gradients; and whether
    `partner` has an entry at that place. Both codes have the same rows; entries ascend in a row.
    """
    wanted = code.row_of_entry * code.width + code.indices
    held = partner.row_of_entry * partner.width + partner.indices
    if not held.numel():
        return torch.zeros_like(code.values), torch.zeros_like(wanted, dtype=torch.bool)
    at = torch.searchsorted(held, wanted).clamp_max(held.numel() - 1)
    there = held[at] == wanted
    return partner.values[at] * there, there
