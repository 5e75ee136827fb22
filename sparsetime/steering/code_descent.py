"""Descent in code space: codes moved towards those of a target style, decoded as a change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.errors import ConfigError, MismatchError

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


@torch.no_grad()
def code_descent(
    codes: Float[Tensor, "queries width"],
    target: Float[Tensor, "examples latents"],
    *,
    nearest: int = 16,
    steps: int = 20,
    rate: float = 0.1,
) -> Float[Tensor, "queries width"]:
    """Codes of queries after projected gradient descent towards target examples.

        z <- max(z - eta (z - mean of T(z)), 0),  T: the `nearest` examples by distance to z

    the gradient step of |z - mean of T|^2 / 2. Codes stay non-negative, and latents that neither
    the query nor its examples use stay 0. codes, target: pooled codes, such as means over tokens.

    Source: Bhattacharyya and Rege Cambrin 2025, Steered generation via gradient descent on sparse
    features, arXiv:2502.18644; they descend on the embedding of a query.

    Errors: ConfigError for settings out of range; MismatchError for codes of two widths.
    """
    if codes.shape[1] != target.shape[1]:
        raise MismatchError(
            f"got codes of width {codes.shape[1]} and examples of width {target.shape[1]}, "
            "expected one width; encode both with one dictionary"
        )
    if steps < 1 or not 0 < rate <= 1 or not 1 <= nearest <= len(target):
        raise ConfigError(
            f"got steps={steps}, rate={rate} and nearest={nearest}; expected at least one step, a "
            f"rate in (0, 1], and 1 to {len(target)} examples"
        )
    z = codes.clone()
    for _ in range(steps):
        closest = torch.cdist(z, target).topk(nearest, dim=1, largest=False).indices
        z = (z - rate * (z - target[closest].mean(1))).clamp_min(0)
    return z


@torch.no_grad()
def decoded_change(
    sae: Dictionary, before: Float[Tensor, "rows width"], after: Float[Tensor, "rows width"]
) -> Float[Tensor, "rows d"]:
    """What a change of codes adds to the site: s (after - before) A, with s the scale."""
    atoms = sae.atoms.detach().to(before)
    return (after - before) @ atoms * sae.output_normalisation.scale.to(before)
