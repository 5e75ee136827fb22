"""Hierarchical search of the largest scores: a binary tree over the keys."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.attention.component import Knob
from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.scorers.scorer import Scorer
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("tree")
class Tree(Scorer):
    """Beam search in a binary tree over the units: branches are scored by their middle key.

        s(branch) = max_{i in I} scale q_i · k_mid(branch)

    The units are cut into `keys / unit` branches; each is halved, and as many halves of the largest
    scores stay, until branches are single units. Other units have the score -inf. The products that
    are computed grow as T log T.

    Source: Lee et al. 2024, A training-free sub-quadratic cost transformer model serving framework
    with hierarchically pruned attention (HiP), algorithm 1.
    """

    knob = Knob("keys", 1, None, is_count=True)

    def __init__(self, keys: int = 64) -> None:
        if keys < 1:
            raise ConfigError(f"got a budget of {keys} keys, expected at least 1")
        super().__init__(keys=keys)
        self.keys = keys
        #: Products with a middle key that the last search computed, over batch and heads.
        self.products = 0

    def score(
        self, inputs: AttentionInputs, grid: UnitGrid
    ) -> Float[Tensor, "b heads query_units key_units"]:
        size = int(grid.key_sizes[0])
        # Of a tile, the last query reads the most units.
        tile, self.products = int(grid.query_sizes[0]), 0
        number = torch.arange(grid.key_units, device=inputs.q.device)
        units = 1 + (grid.some * number).amax(-1)
        batch, heads = inputs.q.shape[:2]
        units = units.expand(batch, heads, -1)[..., None]
        beam = max(1, -(-self.keys // size))
        branch = torch.arange(beam, device=inputs.q.device)
        begin = branch * units // beam
        end = (branch + 1) * units // beam
        while bool((end - begin > 1).any()):
            middle = begin + (end - begin + 1) // 2
            begins, ends = torch.cat([begin, middle], -1), torch.cat([middle, end], -1)
            score = _score(inputs, grid, (begins + ends) // 2, size)
            self.products += int((begins < ends).sum()) * tile
            score = score.masked_fill(begins >= ends, -torch.inf)
            best = score.topk(beam, -1).indices
            begin, end = begins.gather(-1, best), ends.gather(-1, best)
        score = _score(inputs, grid, begin, size).masked_fill(begin >= end, -torch.inf)
        out = score.new_full((batch, heads, grid.query_units, grid.key_units), -torch.inf)
        # Empty branches lie on unit 0 at times, whose own score must stay.
        return out.scatter_reduce(-1, begin.clamp(max=grid.key_units - 1), score, "amax")


def _score(
    inputs: AttentionInputs, grid: UnitGrid, units: Int[Tensor, "b h m n"], size: int
) -> Float[Tensor, "b h m n"]:
    """Largest product of a tile's queries with the middle key of each unit."""
    at = (units * size + size // 2).clamp(max=inputs.keys - 1)
    batch, heads = units.shape[:2]
    b = torch.arange(batch, device=at.device)[:, None, None, None]
    h = torch.arange(heads, device=at.device)[:, None, None] // inputs.group
    keys = inputs.k[b, h, at].float()
    if grid.query_units == inputs.queries:
        return inputs.scale * (keys @ inputs.q.float()[..., None])[..., 0]
    tile = int(grid.query_sizes[0])
    missing = grid.query_units * tile - inputs.queries
    q = torch.nn.functional.pad(inputs.q.float(), (0, 0, 0, missing))
    products = inputs.scale * q.unflatten(2, (-1, tile)) @ keys.mT
    # A padded query is zero, and would outrank negative products.
    place = torch.arange(grid.query_units * tile, device=at.device).reshape(-1, tile, 1)
    best: Tensor = products.masked_fill(place >= inputs.queries, -torch.inf).amax(3)
    return best
