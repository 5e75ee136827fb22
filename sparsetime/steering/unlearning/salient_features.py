"""Salient features of a contrast: those that fire more on some texts than on others."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError


def firing_rates(code: SparseCode) -> Float[np.ndarray, " width"]:
    """Share of rows on which each feature is active."""
    active = code.indices[code.values != 0]
    return torch.bincount(active, minlength=code.width).cpu().numpy() / max(code.rows, 1)


def salient_features(
    target: SparseCode, other: SparseCode, count: int, ratio: float = 2.0
) -> Int[np.ndarray, " some"]:
    """At most `count` features whose firing rate on target rows exceeds that on others by most.

        contrast_i = r_i(target) - r_i(other),  only where r_i(target) >= ratio * r_i(other)

    Errors: ConfigError for no features; DataError where none fires more often on the target.
    """
    if count < 1 or ratio < 1:
        raise ConfigError(f"got count={count} and ratio={ratio}, expected at least 1 of each")
    own, elsewhere = firing_rates(target), firing_rates(other)
    contrast = np.where(own >= ratio * elsewhere, own - elsewhere, 0.0)
    order = np.argsort(-contrast, kind="stable")[:count]
    chosen = order[contrast[order] > 0]
    if not len(chosen):
        raise DataError(
            f"no feature fires {ratio:g} times as often on the target as on the other data; give "
            "data that differ more, or a smaller ratio"
        )
    return np.asarray(chosen)
