"""Generation that is drafted with sparse attention and verified by dense attention."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Int
from torch import Tensor, nn

from sparsetime.attention.attend_model import attend
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.load import LoadedModel


@final
@dataclass(frozen=True)
class DraftedTokens:
    """Generated tokens, and of every round the number of drafted ones that dense attention kept."""

    tokens: Int[Tensor, " new"]
    accepted: tuple[int, ...]

    @property
    def mean_accepted(self) -> float:
        """Mean number of drafted tokens that a round kept; NaN where no round was needed.

        Every round adds one more token.
        """
        return sum(self.accepted) / len(self.accepted) if self.accepted else math.nan


@torch.no_grad()
def generate_by_drafts(
    model: nn.Module | LoadedModel,
    tokens: Int[Tensor, "batch time"],
    policy: AttentionPolicy,
    new_tokens: int,
    drafts: int = 4,
) -> DraftedTokens:
    """Dense greedy tokens after a prompt, of which a policy drafts some in every round.

    A round decodes `drafts` tokens by the policy, then reads them in one dense pass. Tokens are
    kept up to the first that dense attention would not have chosen, and its own choice follows, so
    the output is that of dense greedy decoding, but for ties within rounding. model: of
    transformers, with a cache.

    Source: Cao et al. 2025, Sparse-to-Dense: a free lunch for lossless acceleration of video
    understanding in LLMs, section 3.

    Errors: DataError for more than one sequence; ConfigError for a policy that does not apply in
    decode, and for drafts below 1.
    """
    from transformers import DynamicCache

    if tokens.shape[0] != 1:
        raise DataError(f"got {tokens.shape[0]} sequences of tokens, expected one [1, time]")
    if drafts < 1 or "decode" not in policy.phases:
        raise ConfigError(
            f"got drafts={drafts} and the policy {policy.name!r} of {' and '.join(policy.phases)}, "
            "expected at least one draft and a policy of decode"
        )
    cache = DynamicCache()
    with attend(model, decode=policy, record=False) as run:

        def greedy(step: Tensor) -> Tensor:
            answer: Any = run.model(step[None], past_key_values=cache, use_cache=True)
            chosen: Tensor = answer.logits[0].argmax(-1)
            return chosen

        kept = [greedy(tokens[0])[-1:]]
        accepted: list[int] = []
        length = tokens.shape[1]
        while sum(map(len, kept)) < new_tokens:
            last = kept[-1][-1:]
            drafted = [greedy(last)]
            while len(drafted) < drafts:
                drafted.append(greedy(drafted[-1]))
            draft = torch.cat(drafted)
            _shorten(cache, length)
            # More than one query is a pass of prefill, which the policy of decode leaves dense.
            dense = greedy(torch.cat([last, draft]))
            agreed = int((dense[:-1] == draft).long().cumprod(0).sum())
            accepted.append(agreed)
            kept.append(dense[: agreed + 1])
            length += agreed + 1
            _shorten(cache, length)
    return DraftedTokens(torch.cat(kept)[:new_tokens], tuple(accepted))


def _shorten(cache: Any, length: int) -> None:
    """Keep the first keys and values of a cache."""
    extra = cache.get_seq_length() - length
    if extra > 0:
        cache.crop(-extra)
