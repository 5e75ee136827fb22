"""For every direction of two sets, the one of the other set that it is most alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.kernels import Support, gather_dot
from sparsetime.kernels.error_bounds import row_errors
from sparsetime.kernels.integer_product import integer_product
from sparsetime.kernels.precision import selection_dtype

_ELEMENTS = 1 << 22  # of a tile of cosines, which stays in the last-level cache


class Nearest(NamedTuple):
    """Places on the other side, of equal cosines the first, and the cosines there."""

    to_right: Int[np.ndarray, " left"]
    cosine: Float[np.ndarray, " left"]
    to_left: Int[np.ndarray, " right"]
    back: Float[np.ndarray, " right"]


@torch.no_grad()
def nearest(left: Float[Tensor, "left d"], right: Float[Tensor, "right d"]) -> Nearest:
    """Both ways from one product, of which only tiles exist at any moment.

    Where the processor multiplies 8-bit integers fastest, these propose all that their rounding
    leaves in doubt, and float32 decides; the bound on the rounding is statistical, 8 standard
    deviations, as it is where codes are selected.

    left, right: of length one. Where a side is empty, the other's cosines are -1, at place 0.
    """
    if not (len(left) and len(right)):
        nowhere = [np.zeros(len(side), np.int64) for side in (left, right)]
        opposite = [np.full(len(side), -1, np.float32) for side in (left, right)]
        return Nearest(nowhere[0], opposite[0], nowhere[1], opposite[1])
    if selection_dtype(left.device) == torch.int8:
        return nearest_by_integers(left, right)
    return nearest_by_floats(left, right)


def nearest_by_floats(left: Float[Tensor, "left d"], right: Float[Tensor, "right d"]) -> Nearest:
    """See `nearest`; what it means, in float32 throughout."""
    to_right, cosine = [], []
    back = torch.full((len(right),), -2.0)
    to_left = torch.zeros(len(right), dtype=torch.int64)
    for begin, part in _tiles(left, right):
        tile = part @ right.T
        value, place = tile.max(1)
        cosine.append(value)
        to_right.append(place)
        # Down a column the place of the largest is slow to keep, the largest alone is not.
        value = tile.amax(0)
        row, column = torch.nonzero((tile == value) & (value > back), as_tuple=True)
        to_left[column.flip(0)] = row.flip(0) + begin  # the first of equal ones is written last
        back = torch.maximum(back, value)
    return Nearest(
        torch.cat(to_right).numpy(), torch.cat(cosine).numpy(), to_left.numpy(), back.numpy()
    )


def nearest_by_integers(left: Float[Tensor, "left d"], right: Float[Tensor, "right d"]) -> Nearest:
    """See `nearest`; 8-bit integers propose, float32 decides."""
    (rows, row_step), (columns, column_step) = _rounded(left), _rounded(right)
    off = row_errors(left, right, torch.zeros(len(right)), torch.int8).max()
    margin = np.int32(1 + 2 * float(off) / (row_step * column_step))
    of_column = np.full(len(right), -(1 << 30), np.int32)
    tiles = _tiles(rows, columns)
    shape = len(tiles[0][1]), len(right)
    buffer, of_row, of_both = (
        torch.empty(shape, dtype=torch.int32),
        *np.empty((2, *shape), np.bool_),
    )
    near_places = []
    for begin, part in tiles:
        here = slice(len(part))
        tile = integer_product(part, columns, out=buffer[here]).numpy()
        # What a column has had so far only rises: nothing within its margin is left out.
        np.maximum(of_column, tile.max(0), out=of_column)
        near = np.greater_equal(tile, (tile.max(1) - margin)[:, None], out=of_row[here])
        near |= np.greater_equal(tile, of_column - margin, out=of_both[here])
        near_places.append(np.flatnonzero(near) + begin * len(right))
    place = np.concatenate(near_places)
    row, column = np.divmod(place, len(right))
    offsets = np.searchsorted(row, np.arange(len(left) + 1))
    support = Support(torch.from_numpy(offsets), torch.from_numpy(column), len(right))
    cosine = gather_dot(left, right, support).numpy()
    return Nearest(*_best(row, column, cosine), *_best(column, row, cosine))


def _tiles(left: Tensor, right: Tensor) -> list[tuple[int, Tensor]]:
    """Some rows of `left` at a time, with the place of the first."""
    at_once = max(32, _ELEMENTS // len(right))
    return list(zip(range(0, len(left), at_once), left.split(at_once), strict=True))


def _rounded(x: Tensor) -> tuple[Tensor, float]:
    """As 8-bit integers, and what one of them stands for: the same in all rows, so that products
    can be compared along rows and down columns as they are.
    """
    step = float(x.abs().max()) / 127
    return (x / step).round().to(torch.int8), step


def _best(group: np.ndarray, place: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each group, ascending, the place of the largest value, the first of equal ones; and it."""
    order = np.lexsort((place, -value, group))
    first = order[np.append(True, np.diff(group[order]) > 0)]
    return place[first], value[first]
