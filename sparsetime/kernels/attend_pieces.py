"""Pieces of a sparse attention: tiles of queries with gathered keys, for torch's flash kernel.

The entries of a pattern are cut into pieces whose tiles have about as many keys each. Entries whose
pairs are all readable need no mask; the others, such as the causal diagonal, are pieces with one. A
tile that lies in two pieces is merged by the log-sum-exp, which is exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime.attention_pattern import AttentionPattern, members

# Keys gathered at once, so that the copies stay small beside the keys themselves.
_KEYS_AT_ONCE = 1 << 15
# Tiles share a piece while the shortest list of keys has at least this share of the longest.
_SHORTEST = 0.8


@final
@dataclass(frozen=True, eq=False)
class AttendPiece:
    """Tiles of queries, each with a list of keys of its own.

    tiles [n]: rows of the pattern's support. queries [n, unit], keys [n, listed]: positions in the
    sequence; short lists are padded. is_query [n, unit]: which are no padding. mask: the pairs that
    are read, [n, unit or 1, listed]; None where all are.
    """

    tiles: Int[Tensor, " n"]
    queries: Int[Tensor, "n unit"]
    keys: Int[Tensor, "n listed"]
    is_query: Bool[Tensor, "n unit"]
    mask: Bool[Tensor, "n unit2 listed"] | None


def pieces_of(pattern: AttentionPattern) -> list[AttendPiece]:
    """The pieces of a pattern, kept with it, since forward and backward pass both need them."""
    cached: list[AttendPiece] | None = pattern.__dict__.get("_pieces")
    if cached is None:
        cached = [*_pieces(pattern, whole=True), *_pieces(pattern, whole=False)]
        pattern.__dict__["_pieces"] = cached
    return cached


def _pieces(pattern: AttentionPattern, whole: bool) -> Iterator[AttendPiece]:
    """The pieces of the entries that are read as a whole, or of the others."""
    entries = (pattern.is_full == whole).nonzero()[:, 0]
    if not entries.numel():
        return
    units, row = pattern.support.indices[entries], pattern.support.row_of_entry[entries]
    sizes = pattern.key_bounds.diff()[units]
    listed = sizes.new_zeros(pattern.support.rows).index_add_(0, row, sizes)
    order = listed.argsort(descending=True, stable=True)
    order = order[: int((listed > 0).sum())]
    lengths = listed[order].tolist()
    ends = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
    # Where the keys of each row begin among those of all entries.
    firsts = ends[torch.searchsorted(row, torch.arange(pattern.support.rows, device=row.device))]
    tokens = (pattern.key_bounds[units] - ends[:-1]).repeat_interleave(sizes)
    tokens += torch.arange(tokens.shape[0], device=tokens.device)
    start = 0
    while start < len(lengths):
        longest, stop = lengths[start], start + 1
        while (
            stop < len(lengths)
            and lengths[stop] >= _SHORTEST * longest
            and (stop - start) * longest < _KEYS_AT_ONCE
        ):
            stop += 1
        yield _piece(pattern, order[start:stop], listed, firsts, tokens, whole)
        start = stop


def _piece(
    pattern: AttentionPattern,
    tiles: Tensor,
    listed: Tensor,
    firsts: Tensor,
    tokens: Tensor,
    whole: bool,
) -> AttendPiece:
    lengths = listed[tiles]
    steps = torch.arange(int(lengths.max()), device=tiles.device)
    is_key = steps < lengths[:, None]
    keys = tokens[firsts[tiles][:, None] + torch.minimum(steps, lengths[:, None] - 1)]
    queries, is_query = members(pattern.query_bounds, tiles % pattern.query_units)
    mask = None if bool(is_key.all()) else is_key[:, None]
    if not whole:
        allowed = pattern.allows(tiles // pattern.query_units, queries, keys)
        mask = allowed & is_key[:, None]
    return AttendPiece(tiles, queries, keys, is_query, mask)
