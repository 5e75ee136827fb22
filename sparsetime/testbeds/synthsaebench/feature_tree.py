"""Trees of features: children are active only under an active parent, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float, Int

from sparsetime.testbeds.synthsaebench.settings import SynthSAEBenchSettings


@final
@dataclass(frozen=True, eq=False)
class FeatureTree:
    """Parents and children by the number of a feature, numbered level by level.

    parent: of each feature, -1 for roots and for features outside any tree. first_child and
    children: the children of feature `i` are `first_child[i]` to `first_child[i] + children[i]`
    (exclusive).
    """

    parent: Int[np.ndarray, " features"]
    first_child: Int[np.ndarray, " features"]
    children: Int[np.ndarray, " features"]

    @property
    def unconditional(self) -> Int[np.ndarray, " some"]:
        """Features without a parent: roots, and features outside any tree."""
        return np.flatnonzero(self.parent < 0)


def feature_tree(settings: SynthSAEBenchSettings) -> FeatureTree:
    """Complete trees, level by level, until the depth is reached or the features are used up."""
    parent = np.full(settings.features, -1, np.int32)
    first_child = np.zeros(settings.features, np.int32)
    children = np.zeros(settings.features, np.int32)
    level = range(settings.roots)
    for _ in range(settings.depth):
        start = level.stop
        stop = min(start + len(level) * settings.branching, settings.features)
        of_parent = level.start + np.arange(stop - start) // settings.branching
        parent[start:stop] = of_parent
        first_child[level] = start + np.arange(len(level)) * settings.branching
        children[level] = np.bincount(of_parent - level.start, minlength=len(level))
        level = range(start, stop)
    return FeatureTree(parent, first_child, children)


def zipf_frequencies(settings: SynthSAEBenchSettings) -> Float[np.ndarray, " features"]:
    """Frequencies rank ** -zipf, mapped linearly to [lowest_frequency, highest_frequency]."""
    power = np.arange(1, settings.features + 1, dtype=np.float64) ** -settings.zipf
    share = (power - power[-1]) / (power[0] - power[-1])
    low, high = settings.lowest_frequency, settings.highest_frequency
    frequencies: Float[np.ndarray, " features"] = low + (high - low) * share
    return frequencies


def compensated_frequencies(
    frequencies: Float[np.ndarray, " features"], tree: FeatureTree
) -> Float[np.ndarray, " features"]:
    """Probabilities of a draw under an active parent, so that features are as frequent as asked.

        q_i = min(1, p_i / p_parent * (1 + sum over siblings j of p_j / p_parent))

    The first factor makes up for steps without the parent, the second for draws that a sibling
    wins, to first order.
    """
    child = np.flatnonzero(tree.parent >= 0)
    parent = tree.parent[child]
    of_parent = frequencies[parent]
    families = np.bincount(parent, frequencies[child], minlength=len(frequencies))
    siblings = families[parent] - frequencies[child]
    drawn = frequencies.copy()
    drawn[child] = np.minimum(frequencies[child] / of_parent * (1 + siblings / of_parent), 1.0)
    return drawn
