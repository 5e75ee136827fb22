"""Attention pattern as rectangles of consecutive queries that read consecutive keys."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from sparsetime.attention.kept.runs import Runs
from sparsetime.attention_pattern import AttentionPattern


def pattern_runs(pattern: AttentionPattern, head: int) -> Runs:
    """What one head of the first sequence reads, as rectangles that share no pair.

    A unit of queries all of whose pairs are readable is one rectangle a run of keys; where the
    range of keys cuts a unit, every query has rectangles of its own. Keys are named by position, so
    permuted keys are where they stand in the sequence. Sorted by first query, then by first key.
    """
    first_row = head * pattern.query_units
    offsets = pattern.support.offsets[first_row : first_row + pattern.query_units + 1].cpu().numpy()
    unit = pattern.support.indices[int(offsets[0]) : int(offsets[-1])].cpu().numpy()
    row = np.repeat(np.arange(pattern.query_units), np.diff(offsets))
    query_bounds, key_bounds = (
        bounds.cpu().numpy() for bounds in (pattern.query_bounds, pattern.key_bounds)
    )
    begin, end = key_bounds[unit], key_bounds[unit + 1]
    if not pattern.readable.is_in_order:
        positions = _of_head(pattern.readable.positions, head)
        key, entry = _members(begin, end)
        row, begin = row[entry], positions[key]
        end = begin + 1
    first, last = (_of_head(limit, head) for limit in pattern.readable.limits)
    starts = query_bounds[:-1]
    latest_first = np.maximum.reduceat(first, starts)[row]
    earliest_last = np.minimum.reduceat(last, starts)[row]
    is_whole = (begin >= latest_first) & (end - 1 <= earliest_last)
    whole = np.stack([starts[row], query_bounds[1:][row], begin, end], 1)[is_whole]
    cut = np.flatnonzero(~is_whole)
    query, entry = _members(starts[row[cut]], query_bounds[1:][row[cut]])
    begin = np.maximum(begin[cut][entry], first[query])
    end = np.minimum(end[cut][entry], last[query] + 1)
    single = np.stack([query, query + 1, begin, end], 1)[begin < end]
    return _joined(np.concatenate([whole, single]))


def _joined(runs: np.ndarray) -> Runs:
    """Rectangles in order, those of the same queries whose keys touch as one."""
    runs = runs[np.lexsort((runs[:, 2], runs[:, 1], runs[:, 0]))].astype(np.int64)
    if not len(runs):
        return runs.reshape(0, 4)
    follows = (runs[1:, :2] == runs[:-1, :2]).all(1) & (runs[1:, 2] == runs[:-1, 3])
    begins = np.flatnonzero(np.append(True, ~follows))
    ends = np.append(begins[1:], len(runs)) - 1
    joined: np.ndarray = np.concatenate([runs[begins, :3], runs[ends, 3:]], 1)
    return joined


def _members(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All numbers from each begin to before its end, and which pair each is of."""
    lengths = end - begin
    entry = np.repeat(np.arange(len(lengths)), lengths)
    before = np.cumsum(lengths) - lengths
    return begin[entry] + np.arange(len(entry)) - before[entry], entry


def _of_head(values: Tensor, head: int) -> np.ndarray:
    """Values [batch, heads or 1, n] of a head of the first sequence."""
    own: np.ndarray = values[0, head % values.shape[1]].cpu().numpy()
    return own
