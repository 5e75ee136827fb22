"""FeatureMatches: for each feature of two sides the most similar one of the other, with a null."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int

from sparsetime.errors import ConfigError
from sparsetime.matching.assignment import one_to_one

MOST_ASSIGNED = 8192  # features of a side


@final
@dataclass(frozen=True, eq=False)
class FeatureMatches:
    """Matches of the active features of two sides.

    names: of the sides. by: what is compared. left, right: numbers of the features compared, int64
    ascending. to_right: for each of `left` the number of its nearest on the right; similarity: to
    it. to_left, back: the same from the right. null: similarity of each of `left` to its nearest
    where nothing matches, mean over draws; null_largest: its largest draw. null_is: how it was
    made. similarities: all of them, [left, right], computed when first asked for.
    """

    names: tuple[str, str]
    by: str
    left: Int[np.ndarray, " left"]
    right: Int[np.ndarray, " right"]
    to_right: Int[np.ndarray, " left"]
    similarity: Float[np.ndarray, " left"]
    to_left: Int[np.ndarray, " right"]
    back: Float[np.ndarray, " right"]
    null: Float[np.ndarray, " left"]
    null_largest: Float[np.ndarray, " left"]
    null_is: str
    similarities: Callable[[], Float[np.ndarray, "left right"]]

    @cached_property
    def mutual(self) -> Bool[np.ndarray, " left"]:
        """Whether each of `left` is also the nearest of its nearest."""
        place = np.searchsorted(self.right, self.to_right)
        return np.asarray(self.to_left[place] == self.left)

    @property
    def beyond_null(self) -> Bool[np.ndarray, " left"]:
        """Whether the similarity of each of `left` is above its largest draw of the null."""
        return np.asarray(self.similarity > self.null_largest)

    @cached_property
    def one_to_one(
        self,
    ) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Float[np.ndarray, " pairs"]]:
        """Pairs of the assignment with the largest sum of similarities: left, right, similarity.

        Errors: ConfigError for more than 8,192 features on a side.
        """
        if max(len(self.left), len(self.right)) > MOST_ASSIGNED:
            raise ConfigError(
                f"got {len(self.left):,} and {len(self.right):,} features to assign one to one, "
                f"expected at most {MOST_ASSIGNED:,}, as time grows with the cube; use `mutual`"
            )
        similarity = self.similarities()
        a, b = one_to_one(similarity)
        return self.left[a], self.right[b], similarity[a, b]

    def table(self) -> pa.Table:
        """One row a feature of the left side, the most similar first."""
        order = np.argsort(-self.similarity, kind="stable")
        return pa.table(
            {
                "left": self.left[order],
                "right": self.to_right[order],
                "similarity": self.similarity[order],
                "mutual": self.mutual[order],
                "null": self.null[order],
                "beyond_null": self.beyond_null[order],
            }
        )
