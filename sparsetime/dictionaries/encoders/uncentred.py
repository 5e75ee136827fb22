"""Linear encoder of activations from which no offset is subtracted."""

from __future__ import annotations

from typing import final

from sparsetime.components import component
from sparsetime.dictionaries.encoders.linear import LinearBase


@final
@component("uncentred")
class UncentredEncoder(LinearBase):
    """Linear encoder of the activation itself.

        pre = W x + b

    x: [rows, d_in], the normalised activation. The decoder's offset is not subtracted from it, so
    that the weights of dictionaries that were trained so are kept bit for bit. weight W:
    [width, d_in]; bias b: [width].

    Source: Rajamanoharan et al. 2024, Jumping Ahead, arXiv:2407.14435 (`apply_b_dec_to_input`
    is false in Gemma Scope).
    """

    subtracts_offset = False
