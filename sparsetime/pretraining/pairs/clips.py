"""Clips at a distance: two stretches of one sequence that need not overlap."""

from __future__ import annotations

from typing import Annotated, final

import torch
from jaxtyping import Shaped
from pydantic import Field
from torch import Tensor

from sparsetime.components import component
from sparsetime.errors import ConfigError, DataError
from sparsetime.pretraining.pairs.pair import Pair, PairSampler, check_changeable
from sparsetime.sequence_models.sequence_component import Count


@final
@component("clips", example={"length": 4})
class ClipPairs(PairSampler):
    """Two clips of equal length from one sequence, at most `span` steps apart.

        first = x[a : a + length],  second = x[b : b + length],  |a - b| <= span

    The span is the time over which vectors shall persist; 0 gives the same clip twice, None any two
    clips of the sequence. Clips differ between the sequences of a batch. noise: deviation of
    independent Gaussian noise that is added to each, so that equal clips are no equal inputs.

    Source: Feichtenhofer et al. 2021, arXiv:2104.14558, section 3 (timespan of positives).
    """

    def __init__(
        self,
        length: Count,
        span: Annotated[int, Field(ge=0)] | None = None,
        noise: Annotated[float, Field(ge=0)] = 0.0,
    ) -> None:
        super().__init__(length=length, span=span, noise=noise)
        self.length, self.span, self.noise = length, span, noise

    def draw(
        self, x: Shaped[Tensor, "batch steps ..."], stride: int, random: torch.Generator
    ) -> Pair:
        """The two clips."""
        if self.noise:
            check_changeable(self.kind, x)
        if self.length % stride:
            raise ConfigError(
                f"got clips of length={self.length}, expected a multiple of the {stride} steps of "
                "a vector"
            )
        starts = (x.shape[1] - self.length) // stride + 1
        if starts < 1:
            raise DataError(
                f"got sequences of {x.shape[1]} steps, expected at least length={self.length}; "
                "give shorter clips"
            )
        most = starts if self.span is None else self.span // stride
        first = torch.randint(starts, (len(x),), generator=random)
        low, high = (first - most).clamp_min(0), (first + most).clamp_max(starts - 1)
        drawn = torch.rand(len(x), generator=random)
        second = low + (drawn * (high - low + 1)).long()
        one, other = (self._clips(x, stride * begin, random) for begin in (first, second))
        return Pair(one, other)

    def _clips(self, x: Tensor, begin: Tensor, random: torch.Generator) -> Tensor:
        steps = (begin[:, None] + torch.arange(self.length)).to(x.device)
        clips = x[torch.arange(len(x), device=x.device)[:, None], steps]
        if self.noise:
            clips = clips + self.noise * torch.randn(clips.shape, generator=random).to(clips)
        return clips
