"""Attention over the steps before each step, and over no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from sparsetime.errors import ConfigError
from sparsetime.segments import Segments
from sparsetime.state import ComponentState

# Steps of a sequence that ask at once: what is in memory grows with them and with `past`.
_AT_ONCE = 256


@final
@dataclass(frozen=True)
class AttentionCache(ComponentState):
    """Keys and values of the last steps of every stream, [streams, past, inner], oldest first.

    known: where there is a step at all; a stream's first steps have fewer before them.
    """

    keys: Float[Tensor, "streams past inner"]
    values: Float[Tensor, "streams past inner"]
    known: Bool[Tensor, "streams past"]

    def reset(self, forgotten: Bool[Tensor, " streams"]) -> AttentionCache:
        return AttentionCache(self.keys, self.values, self.known & ~forgotten[:, None])


@final
class CausalAttention(nn.Module):
    """Causal attention of a step over the `past` steps before it.

        y_t = Σ_s softmax_s(q_t · k_s / sqrt(inner / heads)) v_s

    s: the steps t - past to t - 1, and a null step with key and value zero, which is the only one
    of the first step of a sequence. Keys, queries and values have `inner` dimensions over all
    heads, the output as many as the input.

    Errors: ConfigError where heads do not share the inner dimensions evenly, or there is no past.
    """

    def __init__(self, width: int, inner: int, heads: int, past: int) -> None:
        if heads < 1 or inner < 1 or inner % heads:
            raise ConfigError(
                f"got heads={heads} and inner={inner}, expected `inner` to be a multiple of "
                "`heads`, which share it evenly"
            )
        if past < 1:
            raise ConfigError(f"got past={past}, expected at least 1 step to look back")
        super().__init__()
        self.heads, self.past = heads, past
        self.query = nn.Parameter(torch.zeros(inner, width))
        self.key = nn.Parameter(torch.zeros(inner, width))
        self.value = nn.Parameter(torch.zeros(inner, width))
        self.output = nn.Parameter(torch.zeros(width, inner))

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Random projections, such that the answer begins as a mean of the steps before, those
        most alike first: queries are keys, and the output takes back what makes the values.
        """
        for weight in (self.key, self.value):
            weight.copy_(torch.randn(weight.shape, generator=generator) / weight.shape[0] ** 0.5)
        self.query.copy_(self.key)
        self.output.copy_(self.value.T)

    def forward(
        self, z: Float[Tensor, "rows width"], segments: Segments, kept: AttentionCache | None
    ) -> tuple[Float[Tensor, "rows width"], AttentionCache]:
        """For every row the answer of its past, and what the next rows need of these."""
        query, real = segments.padded(z @ self.query.T)
        keys, values = (segments.padded(z @ w.T)[0] for w in (self.key, self.value))
        before = 0
        if kept is not None:
            before = self.past
            keys = torch.cat([kept.keys, keys], 1)
            values = torch.cat([kept.values, values], 1)
            real = torch.cat([kept.known, real], 1)
        answers = [
            self._answer(query[:, start : start + _AT_ONCE], keys, values, real, before + start)
            for start in range(0, query.shape[1], _AT_ONCE)
        ]
        answer = segments.flat(torch.cat(answers, 1)) if answers else z @ self.query.T
        return answer @ self.output.T, self._to_keep(keys, values, real, before, segments)

    def _answer(
        self,
        query: Float[Tensor, "streams some inner"],
        keys: Float[Tensor, "streams steps inner"],
        values: Float[Tensor, "streams steps inner"],
        real: Bool[Tensor, "streams steps"],
        first: int,
    ) -> Float[Tensor, "streams some inner"]:
        """To queries of the steps from number `first` on, by the steps that each looks back to."""
        begin, end = max(0, first - self.past), first + query.shape[1]
        query_step = torch.arange(first, end, device=query.device)[:, None]
        key_step = torch.arange(begin, end, device=query.device)[None]
        in_window = (key_step < query_step) & (key_step >= query_step - self.past)
        seen = in_window & real[:, None, begin:end]
        # A nothing in front, so that no step is without an answer.
        answer = functional.scaled_dot_product_attention(
            self._split(query),
            self._split(functional.pad(keys[:, begin:end], (0, 0, 1, 0))),
            self._split(functional.pad(values[:, begin:end], (0, 0, 1, 0))),
            functional.pad(seen, (1, 0), value=True)[:, None],
        )
        return answer.transpose(1, 2).flatten(2)

    def _split(self, x: Float[Tensor, "streams steps inner"]) -> Tensor:
        """[streams, heads, steps, inner / heads]."""
        split: Tensor = x.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return split

    @torch.no_grad()
    def _to_keep(
        self, keys: Tensor, values: Tensor, real: Tensor, before: int, segments: Segments
    ) -> AttentionCache:
        """The last `past` real steps of every segment."""
        if not real.shape[1]:  # no step ever: one that is not real, to have something to gather
            keys, values = (functional.pad(tensor, (0, 0, 0, 1)) for tensor in (keys, values))
            real = functional.pad(real, (0, 1))
        steps = torch.arange(self.past, device=keys.device)
        at = before + segments.lengths[:, None] - self.past + steps
        inside = at.clamp_min(0)
        places = inside[..., None].expand(-1, -1, keys.shape[2])
        is_step = real.gather(1, inside) & (at >= 0)
        return AttentionCache(keys.gather(1, places), values.gather(1, places), is_step)
