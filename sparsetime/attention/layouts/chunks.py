"""Layout of adaptive chunks: units of keys that end where the keys change."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor

from sparsetime.attention.grid import UnitGrid
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.layouts.layout import Layout
from sparsetime.attention_pattern import bounds_of
from sparsetime.components import component
from sparsetime.errors import ConfigError


@final
@component("chunks")
class Chunks(Layout):
    """Chunks of `size` keys in the mean, whose bounds are the largest changes of the keys.

        change(j) = 1 - cos(mean_{n < w} k_{j-1-n}, mean_{n < w} k_{j+n})

    The keys / size largest changes are bounds, at least `shortest` keys apart. Changes are averaged
    over heads and sequences, which share the bounds.

    Source: Xiong et al. 2025, Long-context modeling with dynamic hierarchical sparse attention for
    on-device LLMs, section 3.1; there a small network predicts the bounds, here their definition
    does.
    """

    def __init__(self, size: int = 16, tile: int = 1, window: int = 4, shortest: int = 4) -> None:
        if min(size, tile, window, shortest) < 1 or shortest > size:
            raise ConfigError(
                f"got chunks of {size} keys, tiles of {tile}, window={window} and "
                f"shortest={shortest}, expected 1 or more, and shortest of at most the chunks"
            )
        super().__init__(size=size, tile=tile, window=window, shortest=shortest)
        self.size, self.tile, self.window, self.shortest = size, tile, window, shortest

    def grid(self, inputs: AttentionInputs) -> UnitGrid:
        return UnitGrid(
            bounds_of(inputs.queries, self.tile, inputs.q.device),
            self._bounds(inputs.k.detach().float()),
            inputs.readable,
            inputs.query_positions,
        )

    def _bounds(self, k: Tensor) -> Tensor:
        keys, width = k.shape[2], self.window
        wanted = keys // self.size - 1
        if wanted < 1 or keys <= 2 * width:
            return torch.tensor([0, keys], device=k.device)
        means = k.unfold(2, width, 1).mean(-1)
        change = 1 - torch.cosine_similarity(means[:, :, :-width], means[:, :, width:], -1)
        change = change.mean((0, 1))  # at the key after the first of two windows
        bounds: list[int] = [0, keys]
        for at in (change.argsort(descending=True) + width).tolist():
            if min(abs(at - bound) for bound in bounds) >= self.shortest:
                bounds.append(at)
            if len(bounds) == wanted + 2:
                break
        return torch.tensor(sorted(bounds), device=k.device)
