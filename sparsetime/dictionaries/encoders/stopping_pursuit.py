"""Matching pursuit that stops where a row is explained, or where it repeats itself."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.encoders.matching_pursuit import MatchingPursuitBase
from sparsetime.errors import ConfigError


@final
@component("stopping_pursuit")
class StoppingPursuitEncoder(MatchingPursuitBase):
    """Matching pursuit with a number of turns for each row, and k at most.

        j = argmax_i <r, d_i>;   z_j += <r, d_j>;   r -= <r, d_j> d_j    (r = x at first)
        until ||r|| < residual_threshold, or j was taken before (`stops_on_repeat`), or k turns

    The turn that repeats an atom counts. A threshold of 0 stops no row.

    Source: Costa et al. 2025, From Flat to Hierarchical, arXiv:2506.03093; the rules are those with
    which SAELens runs it.
    """

    def __init__(
        self,
        d_in: int,
        width: int,
        residual_threshold: float = 0.01,
        stops_on_repeat: bool = True,
    ) -> None:
        if residual_threshold < 0:
            raise ConfigError(
                f"got residual_threshold={residual_threshold}, expected a norm of at least 0"
            )
        super().__init__(d_in=d_in, width=width)
        self.settings |= {
            "residual_threshold": residual_threshold,
            "stops_on_repeat": stops_on_repeat,
        }
        self.residual_threshold, self.stops_on_repeat = residual_threshold, stops_on_repeat

    def finished(
        self, residual: Float[Tensor, "rows d"], chosen: Int[Tensor, "rows turns"]
    ) -> Bool[Tensor, " rows"]:
        done: Tensor = residual.norm(dim=1) < self.residual_threshold
        if self.stops_on_repeat:
            last = chosen[:, -1:]
            done = done | (chosen[:, :-1] == last).any(1) | (last < 0).squeeze(1)
        return done
