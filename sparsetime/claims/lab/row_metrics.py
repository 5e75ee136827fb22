"""Values of a dictionary on rows in memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.dictionaries.dictionary import Dictionary

_AT_ONCE = 4096


@torch.no_grad()
def fvu(
    dictionary: Dictionary,
    x: Float[Tensor, "rows d_in"],
    target: Float[Tensor, "rows d_out"] | None = None,
) -> float:
    """Fraction of variance unexplained, of `x` or of the `target` that the dictionary writes.

    The sum of ||target - its reconstruction||^2 over the sum of ||target - its mean||^2.
    """
    wanted = x if target is None else target
    error = 0.0
    for at in range(0, len(x), _AT_ONCE):
        difference = dictionary(x[at : at + _AT_ONCE]) - wanted[at : at + _AT_ONCE]
        error += float(difference.double().square().sum())
    spread = (wanted - wanted.mean(0)).double().square().sum()
    return error / float(spread)


def codes(dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> Iterator[SparseCode]:
    """The codes of rows, some thousand at once."""
    for at in range(0, len(x), _AT_ONCE):
        yield dictionary.encode(x[at : at + _AT_ONCE])


def l0(dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    """Mean number of latents that are active on a row."""
    return sum(code.indices.numel() for code in codes(dictionary, x)) / len(x)


def density(dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> Float[Tensor, " width"]:
    """The share of rows on which each latent is active."""
    counts = torch.zeros(dictionary.width, dtype=torch.int64)
    for code in codes(dictionary, x):
        counts += torch.bincount(code.indices.cpu(), minlength=dictionary.width)
    return counts.float() / len(x)


def dead_share(dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> float:
    """The share of latents that are active on none of the rows."""
    return float((density(dictionary, x) == 0).float().mean())
