"""Given directions of a site as a dictionary, to be steered and compared as features are."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.decoders import FreeNormDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.tied import TiedEncoder
from sparsetime.dictionaries.objectives import MSE, Objective
from sparsetime.dictionaries.sparsifiers import AbsTopK
from sparsetime.errors import DataError
from sparsetime.tensors import ArrayLike, as_tensor


@torch.no_grad()
def directions(
    vectors: ArrayLike, offset: Float[Tensor, " d"] | None = None, site: str | None = None
) -> Dictionary:
    """Directions, such as a probe's or a difference of means, as a dictionary.

        code(x)_i = v_i · (x - b)

    All are kept, with their sign, so codes are dense. Adding s to the activation of number i adds
    s v_i to the site.

    vectors: [directions, d] or [d], of any length. offset: b, None for 0. site: where they belong.

    Errors: DataError for another shape, and for a vector that is zero or not finite.
    """
    rows = as_tensor(vectors, "the directions").detach().float()
    rows = rows[None] if rows.ndim == 1 else rows
    if rows.ndim != 2 or not rows.numel():
        raise DataError(
            f"got directions of shape {list(rows.shape)}, expected [directions, d] or [d]"
        )
    length = rows.norm(dim=1)
    bad = (~(length > 0) | ~length.isfinite()).nonzero()
    if len(bad):
        raise DataError(
            f"got a direction of length {float(length[bad[0, 0]]):g} (number {int(bad[0, 0])}), "
            "expected finite ones that are not zero; were the two means equal?"
        )
    count, d = rows.shape
    decoder = FreeNormDecoder(count, d)
    decoder.weight.copy_(rows)
    if offset is not None:
        decoder.bias.copy_(offset)
    made = Dictionary(
        TiedEncoder(d, count), AbsTopK(count), decoder, Objective([MSE()]), name="directions"
    )
    made.is_fitted = True  # another scale or offset would be another function
    if site is not None:
        made.provenance = {"site": site}
    return made.eval()
