"""Self-attention layer that is trained with an attention policy."""

from __future__ import annotations

from dataclasses import replace
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.attention.inputs import AttentionInputs
from sparsetime.attention.policy import AttentionPolicy
from sparsetime.errors import ConfigError
from sparsetime.key_range import KeyRange


@final
class SparseAttentionLayer(nn.Module):
    """Self-attention in which every step reads the keys that a policy chooses.

        y = concat_h(out_h) W_o,   out_h = policy(x W_q, x W_k, x W_v)_h

    The choice of keys has no gradient. Over the chosen keys, and through the policy's remainder,
    gradients are exact: those of dense attention with the pattern as its mask. Cost is
    proportional to the pairs that are read, forwards and backwards, and to those that the
    remainder computes.

    key_heads: heads of keys and values that heads of queries share; as many as heads by default.
    causal: whether a step reads earlier steps and itself alone. It has no positions of its own.

    Errors: ConfigError for heads that do not divide d, or key_heads that do not divide heads; for
    a policy that was not fitted or solved, or of the other direction.
    """

    def __init__(
        self,
        policy: AttentionPolicy,
        d: int,
        heads: int,
        key_heads: int | None = None,
        causal: bool = True,
    ) -> None:
        super().__init__()
        key_heads = key_heads or heads
        if min(d, heads, key_heads) < 1 or d % heads or heads % key_heads:
            raise ConfigError(
                f"got d={d}, heads={heads} and key_heads={key_heads}, expected heads that divide d "
                "and key_heads that divide heads"
            )
        if policy.skip_layers or "prefill" not in policy.phases:
            raise ConfigError(
                f"got the policy {policy.name!r}, which leaves layers dense or applies in decode "
                "alone, expected one that applies to whole sequences; give skip_layers=0 or another"
            )
        if policy.target is not None or policy.needs_fit:
            raise ConfigError(
                f"got the policy {policy.name!r}, whose setting is solved or fitted on a model, "
                "expected one that is ready; give its settings, or policy.fit(model, data) first"
            )
        if policy.causal not in (None, causal):
            kinds = {True: "causal", False: "bidirectional"}
            raise ConfigError(
                f"got the policy {policy.name!r} for {kinds[not causal]} attention, expected one "
                f"for {kinds[causal]} attention; give causal={not causal}"
            )
        self.policy, self.heads, self.key_heads, self.causal = policy, heads, key_heads, causal
        self.size = d // heads
        self.queries = nn.Linear(d, d, bias=False)
        self.keys = nn.Linear(d, key_heads * self.size, bias=False)
        self.values = nn.Linear(d, key_heads * self.size, bias=False)
        self.out = nn.Linear(d, d, bias=False)

    def forward(
        self, x: Float[Tensor, "batch time d"], readable: KeyRange | None = None
    ) -> Float[Tensor, "batch time d"]:
        """The outputs of all steps. readable: ranges of keys, for padded or packed sequences."""
        time = x.shape[1]
        if readable is None:
            of = KeyRange.causal if self.causal else KeyRange.bidirectional
            readable = of(time, time, x.device)
        q = self.queries(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        k, v = (
            one(x).unflatten(2, (self.key_heads, -1)).transpose(1, 2)
            for one in (self.keys, self.values)
        )
        inputs = AttentionInputs(q, k, v, readable, self.size**-0.5, is_causal=self.causal)
        inputs = self.policy.layout.arranged(replace(inputs, state={}))
        pattern = self.policy.select(inputs)
        assert pattern is not None  # layer 0 of a policy without skipped layers
        out, _ = self.policy.attend(inputs, pattern)
        y: Tensor = self.out(out.transpose(1, 2).flatten(2).to(x.dtype))
        return y
