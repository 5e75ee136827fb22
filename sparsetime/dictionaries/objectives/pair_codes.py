"""Values of a row's latents in the code of its partner row."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.codes import SparseCode


def in_partner(
    code: SparseCode, partner: SparseCode
) -> tuple[Float[Tensor, " entries"], Bool[Tensor, " entries"]]:
    """For every entry of `code`, the value of its latent in the same row of `partner`.

    Returns the values, zero where the latent is inactive there, with their gradients; and whether
    `partner` has such an entry. Both codes have the same rows; entries ascend in a row.
    """
    keys = code.row_of_entry * code.width + code.indices
    partner_keys = partner.row_of_entry * partner.width + partner.indices
    if not partner_keys.numel():
        return torch.zeros_like(code.values), torch.zeros_like(keys, dtype=torch.bool)
    at = torch.searchsorted(partner_keys, keys).clamp_max(partner_keys.numel() - 1)
    shared = partner_keys[at] == keys
    return partner.values[at] * shared, shared
