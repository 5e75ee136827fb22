"""Least and greatest values of a series by blocks of steps, so that a long one is read once.

A picture of an hour has a thousand columns; each shows the least and the greatest of thousands of
steps. They are reduced from blocks of BLOCK steps, which are computed at the first look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float

from sparsetime.explorer.workbench.input_source import InputSource

BLOCK = 64
_AT_ONCE = 1024 * BLOCK  # steps in memory
_LOW, _HIGH = 10.0, 90.0  # percentiles of the blocks' least and greatest values


@final
@dataclass(frozen=True)
class InputPyramid:
    """Blocks of a series: the least and greatest value of every BLOCK steps, float32.

    least, most: of each channel over all steps. usual: from the 10th percentile of the blocks'
    least values to the 90th of their greatest, which a few artefacts do not widen. Values that are
    not finite are left out; a block without others is NaN.
    """

    low: Float[np.ndarray, "blocks channels"]
    high: Float[np.ndarray, "blocks channels"]
    least: Float[np.ndarray, " channels"]
    most: Float[np.ndarray, " channels"]
    usual: Float[np.ndarray, "2 channels"]

    @property
    def nbytes(self) -> int:
        """Its size."""
        return self.low.nbytes + self.high.nbytes


def input_pyramid(source: InputSource) -> InputPyramid:
    """The blocks of a series, read in pieces."""
    parts = [
        _reduced(series_values(source, first, first + _AT_ONCE), BLOCK)
        for first in range(0, source.shape[0], _AT_ONCE)
    ]
    low, high = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    missing = np.isnan(low)
    empty = missing.all(0)
    least, most = np.where(empty, 0.0, low), np.where(empty, 0.0, high)
    # The percentiles of numpy that leave NaN out take ten times as long.
    percentile = np.nanpercentile if missing.any() else np.percentile
    usual = np.stack([percentile(least, _LOW, axis=0), percentile(most, _HIGH, axis=0)])
    return InputPyramid(low, high, np.nanmin(least, 0), np.nanmax(most, 0), usual)


def series_values(source: InputSource, first: int, stop: int) -> Float[np.ndarray, "time channels"]:
    """Steps of a series as float32 [time, channels], those that are not finite as NaN."""
    values = source.read(first, min(stop, source.shape[0]))
    values = values.reshape(len(values), -1).astype(np.float32, copy=False)
    finite = np.isfinite(values)
    if finite.all():
        return values
    return np.where(finite, values, np.float32(np.nan))


def columns_between(
    source: InputSource, pyramid: InputPyramid, first: int, stop: int, columns: int
) -> tuple[int, int, Float[np.ndarray, "columns channels"], Float[np.ndarray, "columns channels"]]:
    """The first step, the steps a column, and the least and greatest value of each column.

    Columns begin at a multiple of their steps where blocks are used, so that pictures of
    neighbouring segments have the same columns.
    """
    stride = max(1, -(-(stop - first) // columns))
    if stride < BLOCK:
        return first, stride, *_reduced(series_values(source, first, stop), stride)
    blocks = -(-stride // BLOCK)
    begin, end = first // BLOCK // blocks * blocks, -(-stop // BLOCK)
    edges = np.arange(0, end - begin, blocks)
    low, high = pyramid.low[begin:end], pyramid.high[begin:end]
    return (
        begin * BLOCK,
        blocks * BLOCK,
        np.fmin.reduceat(low, edges),
        np.fmax.reduceat(high, edges),
    )


def _reduced(
    values: Float[np.ndarray, "time channels"], stride: int
) -> tuple[Float[np.ndarray, "columns channels"], Float[np.ndarray, "columns channels"]]:
    """Least and greatest of every `stride` steps, the last ones fewer."""
    if stride == 1 or not len(values):
        return values, values
    whole = len(values) // stride * stride
    parts = values[:whole].reshape(-1, stride, values.shape[1])
    low, high = np.fmin.reduce(parts, axis=1), np.fmax.reduce(parts, axis=1)
    if whole < len(values):
        rest = values[whole:]
        low = np.concatenate([low, np.fmin.reduce(rest, axis=0)[None]])
        high = np.concatenate([high, np.fmax.reduce(rest, axis=0)[None]])
    return low, high
