"""Tokens that models put before all others, such as [CLS] and registers."""

from __future__ import annotations

import math

from torch import nn

_NAMES = ("cls_token", "class_token", "class_embedding", "distillation_token", "register_tokens")


def leading_tokens(
    model: nn.Module, remainder: int | None = None, tokens: int | None = None
) -> int:
    """The number of such tokens, by the names of parameters.

    remainder: tokens that are left over where the others come in equal groups. tokens: of a
    picture; without such parameters none lead, and with them the rest must be a square.
    """
    named = [
        parameter
        for name, parameter in model.named_parameters()
        if name.rpartition(".")[2] in _NAMES
    ]
    if not named:
        return 0
    count = sum(parameter.shape[-2] if parameter.ndim >= 2 else 1 for parameter in named)
    if remainder is not None:
        return remainder
    if tokens is not None:
        fitting = [n for n in (count, *range(1, 6)) if math.isqrt(tokens - n) ** 2 == tokens - n]
        return fitting[0] if fitting else count
    return count
