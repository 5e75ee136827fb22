"""Attribution of features of attention outputs to heads: by decoder blocks, and row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.circuits.replacement import Replacement
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError

_SITE = "head outputs"


@final
@dataclass(frozen=True, eq=False)
class HeadContributions:
    """Activation values of features as sums over heads.

        value = offset + sum over h of heads[h]

    rows, latents, values: of every active feature, [n]. heads: what each head's output adds to the
    value, [n, heads]; offset: what biases add, [n].
    """

    rows: Int[Tensor, " n"]
    latents: Int[Tensor, " n"]
    values: Float[Tensor, " n"]
    heads: Float[Tensor, "n heads"]
    offset: Float[Tensor, " n"]


@torch.no_grad()
def head_shares(dictionary: Dictionary, heads: int) -> Float[Tensor, "width heads"]:
    """The share of each head in what a feature of concatenated head outputs writes.

        share_ih = |a_ih| / sum over g of |a_ig|,   a_ih: the block of atom i in the place of head h

    dictionary: of the input of an attention's output projection, such as
    "model.layers.10.self_attn.o_proj:input". heads: their number. Shares of a feature sum to 1;
    those of an atom of zeros are 0.

    Source: Kissane et al. 2024, Interpreting Attention Layer Outputs with Sparse Autoencoders,
    arXiv:2406.17759 (weight-based head attribution).

    Errors: ConfigError where the dictionary's dimensions do not divide into that many heads.
    """
    size = _head_size(dictionary, heads)
    blocks = dictionary.atoms.detach().reshape(-1, heads, size).norm(dim=2)
    shares: Tensor = blocks / blocks.sum(1, keepdim=True).clamp_min(1e-30)
    return shares


def head_contributions(
    dictionary: Dictionary, outputs: Float[Tensor, "rows d"], heads: int
) -> HeadContributions:
    """Divide the activation values of a dictionary of head outputs among the heads.

        value_i = offset_i + sum over h of w_ih · z_h

    outputs: head outputs side by side, as the dictionary reads them. The encoder is linear, so that
    the parts are exact.

    Source: Kissane et al. 2024, Interpreting Attention Layer Outputs with Sparse Autoencoders,
    arXiv:2406.17759 (direct feature attribution by head).

    Errors: ConfigError as `head_shares`, and for a dictionary whose values are not affine in its
    input.
    """
    size = _head_size(dictionary, heads)
    x = outputs.detach().float()
    found = Replacement(dictionary, (_SITE,), (_SITE,)).active_features({_SITE: x}, {_SITE: x})
    parts = (found.read * x[found.steps]).reshape(-1, heads, size).sum(2)
    return HeadContributions(found.steps, found.latents, found.values, parts, found.offset)


def _head_size(dictionary: Dictionary, heads: int) -> int:
    if dictionary.out_dims is not None or dictionary.is_stateful or dictionary.skip is not None:
        raise ConfigError(
            f"got the dictionary {dictionary.name!r}, expected an SAE that reconstructs what it "
            "reads from each step alone"
        )
    if heads < 1 or dictionary.d_in % heads:
        raise ConfigError(
            f"got heads={heads} for a dictionary of {dictionary.d_in} dimensions, expected a "
            "number that divides them; give the heads of the attention whose outputs it reads"
        )
    return dictionary.d_in // heads
