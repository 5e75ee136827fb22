"""FeatureFlow: features followed over layers, seeds, models or training steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Int

from sparsetime.errors import ConfigError
from sparsetime.matching.compared_features import Matchable
from sparsetime.matching.match import match
from sparsetime.matching.matches import FeatureMatches

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.activations.store.store import Store

THRESHOLD = 0.5


@final
@dataclass(frozen=True, eq=False)
class FeatureFlow:
    """Matches of each stage with the next. threshold: least similarity of a link."""

    names: tuple[str, ...]
    matches: tuple[FeatureMatches, ...]
    threshold: float

    def links(self, stage: int) -> Int[np.ndarray, "links 2"]:
        """Features of a stage and their nearest in the next, where they are similar enough."""
        found = self.matches[stage]
        near = found.similarity >= self.threshold
        return np.stack([found.left[near], found.to_right[near]], axis=1)

    def chains(self) -> Int[np.ndarray, "chains stages"]:
        """For each feature of the first stage its nearest in the next, and so on; -1 where it ends.

        c_(s+1) = argmax_j similarity(c_s, j)   while that is at least the threshold
        """
        first = self.matches[0].left
        chains = np.full((len(first), len(self.names)), -1, dtype=np.int64)
        chains[:, 0] = first
        for stage in range(len(self.matches)):
            following = dict(self.links(stage).tolist())
            chains[:, stage + 1] = [following.get(one, -1) for one in chains[:, stage].tolist()]
        return chains

    def born(self, stage: int) -> Int[np.ndarray, " features"]:
        """Features of a stage, from 1 on, to which none of the stage before is similar enough."""
        found = self.matches[stage - 1]
        return found.right[found.back < self.threshold]

    def ended(self, stage: int) -> Int[np.ndarray, " features"]:
        """Features of a stage to which none of the next is similar enough."""
        found = self.matches[stage]
        return found.left[found.similarity < self.threshold]

    def split(self, stage: int) -> dict[int, list[int]]:
        """Features of a stage that are the nearest of two or more of the next, and those."""
        found = self.matches[stage]
        near = found.back >= self.threshold
        parts: dict[int, list[int]] = {}
        pairs = zip(found.right[near].tolist(), found.to_left[near].tolist(), strict=True)
        for part, whole in pairs:
            parts.setdefault(whole, []).append(part)
        return {whole: own for whole, own in parts.items() if len(own) > 1}


def feature_flow(
    stages: Sequence[Matchable],
    by: str = "atoms",
    *,
    stores: Sequence[Store] | None = None,
    models: Sequence[nn.Module] | None = None,
    threshold: float = THRESHOLD,
    draws: int = 8,
    seed: int = 0,
) -> FeatureFlow:
    """Match each stage with the next: dictionaries or indexes of layers, models or training steps.

    stores, models: one for each stage, for dictionaries by codes and for effects; see `st.match`.

    Source: Laptev et al. 2025, arXiv 2502.03032, where links are cosines of decoder rows.

    Errors: ConfigError for fewer than two stages, and for stores or models of another number; those
    of `st.match`.
    """
    if len(stages) < 2:
        raise ConfigError(f"got {len(stages)} stage, expected at least two to follow features over")
    for what, given in (("stores", stores), ("models", models)):
        if given is not None and len(given) != len(stages):
            raise ConfigError(
                f"got {len(given)} {what} for {len(stages)} stages; give one for each"
            )
    names: list[str] = []
    found = []
    for place in range(len(stages) - 1):
        one = match(
            stages[place],
            stages[place + 1],
            by,
            store=None if stores is None else (stores[place], stores[place + 1]),
            model=None if models is None else (models[place], models[place + 1]),
            draws=draws,
            seed=seed,
        )
        names = names or [one.names[0]]
        names.append(one.names[1])
        found.append(one)
    return FeatureFlow(tuple(names), tuple(found), threshold)
