"""Transformer without normalisation, in which every head is a module of its own."""

from __future__ import annotations

from typing import cast, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


@final
class CompiledHead(nn.Module):
    """One attention head.

        y_t = O sum_s softmax_s(q_t . k_s) v_s,   q = Q x + b, k = K x, v = V x

    over all steps s, or s <= t where causal.

    The four maps are modules, so that what each reads is a site. There is no scale: it is in Q.
    """

    def __init__(self, d: int, inner: int, moved: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.query = nn.Linear(d, inner)
        self.key = nn.Linear(d, inner, bias=False)
        self.value = nn.Linear(d, moved, bias=False)
        self.output = nn.Linear(moved, d, bias=False)

    def attention(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time time"]:
        """Attention weights, from queries (second axis) to keys."""
        scores = self.query(x) @ self.key(x).mT
        if self.causal:
            future = torch.ones(scores.shape[1:], dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(future, -torch.inf)
        weights: Tensor = scores.softmax(dim=-1)
        return weights

    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        return cast(Tensor, self.output(self.attention(x) @ self.value(x)))


@final
class CompiledLayer(nn.Module):
    """Heads side by side, then an MLP, each added to the residual stream."""

    def __init__(self, heads: list[CompiledHead], mlp: nn.Sequential) -> None:
        super().__init__()
        self.heads = nn.ModuleList(heads)
        self.mlp = mlp

    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time d"]:
        x = x + sum(head(x) for head in self.heads)
        return cast(Tensor, x + self.mlp(x))


@final
class CompiledTransformer(nn.Module):
    """Embeddings, layers and an unembedding; maps tokens to outputs [batch, time, outputs].

    Sites: `token_embedding`, `position_embedding`, `layers.0.heads.1`, `layers.0.mlp`, `layers.0`,
    and the inputs of their maps, such as `layers.0.heads.1.query:input`.
    """

    def __init__(
        self,
        tokens: int,
        context: int,
        d: int,
        layers: list[CompiledLayer],
        outputs: int,
    ) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(tokens, d)
        self.position_embedding = nn.Embedding(context, d)
        self.layers = nn.ModuleList(layers)
        self.unembedding = nn.Linear(d, outputs, bias=False)

    def forward(self, input_ids: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time outputs"]:
        steps = torch.arange(input_ids.shape[1], device=input_ids.device).expand(input_ids.shape)
        x = self.token_embedding(input_ids) + self.position_embedding(steps)
        for layer in self.layers:
            x = layer(x)
        return cast(Tensor, self.unembedding(x))
