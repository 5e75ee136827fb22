"""Null of an effect: random features of the same density, whose edit adds a vector as long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.errors import DataError

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary


def features_of_equal_density(
    density: Float[np.ndarray, " width"], excluded: tuple[int, ...], count: int, seed: int
) -> Int[np.ndarray, " some"]:
    """At most `count` random active features of the density decile of the first excluded one.

    Deciles are of the active features. A feature that never fires is compared with all of them.

    Errors: DataError where no other feature is active.
    """
    active = np.flatnonzero(density > 0)
    others = np.setdiff1d(active, excluded)
    if not len(others):
        raise DataError("got no other active feature, expected some as a null; give null=0")
    own = density[excluded[0]]
    if own > 0 and len(active) >= 10:
        edges = np.quantile(density[active], np.linspace(0, 1, 11))
        decile = np.clip(np.searchsorted(edges, own, "right") - 1, 0, 9)
        inside = (density >= edges[decile]) & (density <= edges[decile + 1])
        others = others[inside[others]] if inside[others].any() else others
    rng = seeds.numpy_generator(seed, "null features of an effect")
    return np.sort(rng.permutation(others)[:count])


def strength_of_norm(sae: Dictionary, feature: int, norm: float) -> float:
    """The activation that adds a vector of this norm, in the site's units."""
    scale = sae.output_normalisation.scale.detach()
    length = float((sae.atoms[feature].detach() * scale).norm())
    return norm / length if length else 0.0


def feature_density(codes: Sequence[SparseCode]) -> Float[np.ndarray, " width"]:
    """The share of all rows of some codes in which each feature is active."""
    counts = sum(np.bincount(code.indices.cpu().numpy(), minlength=code.width) for code in codes)
    return np.asarray(counts) / sum(code.rows for code in codes)
