"""The features nearest to every feature, by direction or by activation value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from sparsetime.errors import SparsetimeError
from sparsetime.features.code_similarity import unit_columns
from sparsetime.features.index_directions import index_directions

if TYPE_CHECKING:
    from sparsetime.features.feature_entries import FeatureEntries
    from sparsetime.features.index import FeatureIndex

NEAREST = 4
_AT_ONCE = 1024


def nearest_features(
    index: FeatureIndex, entries: FeatureEntries, many: int = NEAREST
) -> Int[np.ndarray, "width many"]:
    """The `many` features with the largest cosine to each, the nearest first; -1 behind the last.

    By the cosine of directions: those of the index, or of the dictionary in the folder around it.
    Without directions by that of activation values over all steps.
    """
    try:
        directions = index_directions(index)
    except SparsetimeError:  # the dictionary is gone or was trained since
        directions = None
    if directions is None:
        unit = unit_columns(entries.matrix())
    else:
        unit = torch.nn.functional.normalize(directions, dim=1)
    found = np.full((index.width, many), -1, dtype=np.int64)
    count = min(many, index.width - 1)
    for first in range(0, index.width if count else 0, _AT_ONCE):
        stop = min(first + _AT_ONCE, index.width)
        if isinstance(unit, Tensor):
            cosine = (unit[first:stop] @ unit.T).numpy()
        else:
            cosine = np.asarray((unit[:, first:stop].T @ unit).todense())
        cosine[np.arange(stop - first), np.arange(first, stop)] = -2
        place = np.argpartition(-cosine, count - 1, axis=1)[:, :count]
        order = np.argsort(-np.take_along_axis(cosine, place, 1), axis=1, kind="stable")
        found[first:stop, :count] = np.take_along_axis(place, order, 1)
    return found
