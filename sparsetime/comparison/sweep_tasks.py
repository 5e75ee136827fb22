"""Tasks of a sweep: token sequences with the tokens that are scored, for prefill or decoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from sparsetime.errors import DataError


@final
@dataclass(frozen=True, eq=False)
class SweepTask:
    """Token sequences, and which of their tokens are predicted and scored.

    phase: "prefill" scores one pass over whole sequences; "decode" reads the tokens before the
    first scored one in one pass, and then one token a step, with a cache.

    Errors: DataError where a sequence has no scored token, or its first token is scored.
    """

    name: str
    tokens: Int[Tensor, "sequences time"]
    scored: Bool[Tensor, "sequences time"]
    phase: Literal["prefill", "decode"] = "prefill"

    def __post_init__(self) -> None:
        if not bool(self.scored.any(1).all()) or bool(self.scored[:, 0].any()):
            raise DataError(
                f"got the task {self.name!r} with {self.scored.sum(1).tolist()[:8]} scored tokens "
                "by sequence, expected at least one, and never the first, which nothing predicts"
            )

    @torch.no_grad()
    def losses(self, model: nn.Module) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Mean loss in nats, and share of right predictions, of the scored tokens by sequence."""
        logits = self._logits(model)[:, :-1].float()
        target, scored = self.tokens[:, 1:], self.scored[:, 1:]
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none")
        right = logits.argmax(-1) == target
        count = scored.sum(1)
        return (loss.reshape(target.shape) * scored).sum(1) / count, (right & scored).sum(1) / count

    def _logits(self, model: nn.Module) -> Float[Tensor, "n time vocabulary"]:
        if self.phase == "prefill":
            whole: Tensor = model(self.tokens).logits
            return whole
        begins = int(self.scored.any(0).float().argmax())
        made: Any = model(self.tokens[:, :begins], use_cache=True)
        logits = [made.logits]
        for step in range(begins, self.tokens.shape[1]):
            made = model(
                self.tokens[:, step : step + 1],
                past_key_values=made.past_key_values,
                use_cache=True,
            )
            logits.append(made.logits)
        return torch.cat(logits, 1)


def text_task(
    tokens: Int[Tensor, "n time"], phase: Literal["prefill", "decode"] = "prefill"
) -> SweepTask:
    """Tokens of text, of which the second half is scored."""
    scored = torch.zeros_like(tokens, dtype=torch.bool)
    scored[:, tokens.shape[1] // 2 :] = True
    return SweepTask("text", tokens, scored, phase)


def repeat_task(
    tokens: Int[Tensor, "n time"], phase: Literal["prefill", "decode"] = "prefill"
) -> SweepTask:
    """Recall of earlier tokens: the first quarter of a sequence is pasted again at its end.

    The last seven eighths of the pasted tokens are scored: the first ones show what is repeated.
    """
    length = tokens.shape[1]
    pasted = length // 4
    again = torch.cat([tokens[:, : length - pasted], tokens[:, :pasted]], 1)
    scored = torch.zeros_like(again, dtype=torch.bool)
    scored[:, length - pasted + pasted // 8 :] = True
    return SweepTask("repeats", again, scored, phase)
