"""In-context linear regression by one layer of softmax attention: data, model, training, ridge."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import seeds

D, NOISE = 5, 0.1**0.5
_BATCH, _RATE, _INITIAL = 128, 1e-2, 0.3


@final
class RegressionAttention(nn.Module):
    """Attention of several heads from the query to the examples.

        y = [sum over heads h of OV_h Z softmax(Z^T KQ_h z_q)] at the row of the target

    Z: examples (x, y) as columns; z_q: the query (x, 0). Source: He et al. 2025, In-Context Linear
    Regression Demystified.
    """

    def __init__(self, heads: int, draw: torch.Generator) -> None:
        super().__init__()
        self.query_key = nn.Parameter(_INITIAL * torch.randn(heads, D + 1, D + 1, generator=draw))
        self.output_value = nn.Parameter(
            _INITIAL * torch.randn(heads, D + 1, D + 1, generator=draw)
        )

    def forward(self, z: Float[Tensor, "batch time d_and_1"]) -> Float[Tensor, " batch"]:
        query, examples = z[:, -1], z[:, :-1]
        asked = torch.einsum("hde,be->bhd", self.query_key, query)
        scores = asked @ examples.mT  # [batch, heads, time]
        read = scores.softmax(2) @ examples  # [batch, heads, d + 1]
        return torch.einsum("bhd,hd->b", read, self.output_value[:, D])


def trained_regression(
    heads: int, seed: int, *, steps: int, length: int, related: bool = True
) -> RegressionAttention:
    """Attention trained on new prompts at every step.

    length: examples of a prompt. related: False where the targets belong to other prompts.
    """
    draw = seeds.torch_generator(seed, "initial weights of a testbed", "regression", heads)
    model = RegressionAttention(heads, draw)
    optimiser = torch.optim.Adam(model.parameters(), lr=_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    rng = seeds.torch_generator(seed, "planted codes", "training", heads)
    for _ in range(steps):
        z, y = regression_prompts(_BATCH, length, rng)
        if not related:
            y = y.roll(1)
        optimiser.zero_grad()
        (model(z) - y).square().mean().backward()
        optimiser.step()
        schedule.step()
    return model


def regression_prompts(
    count: int, length: int, rng: torch.Generator
) -> tuple[Float[Tensor, "count time d_and_1"], Float[Tensor, " count"]]:
    """Examples (x, y) and the query (x, 0), and the query's target.

    y = w . x + noise,  x standard normal, w normal of variance 1/5, noise of variance 0.1
    """
    x = torch.randn(count, length + 1, D, generator=rng)
    weights = torch.randn(count, D, generator=rng) / D**0.5
    y = torch.einsum("btd,bd->bt", x, weights)
    y = y + NOISE * torch.randn(y.shape, generator=rng)
    shown = y.clone()
    shown[:, -1] = 0
    return torch.cat([x, shown[:, :, None]], dim=2), y[:, -1]


@torch.no_grad()
def attention_error(model: RegressionAttention, z: Tensor, y: Tensor) -> float:
    """Mean squared error of the query's target."""
    return float((model(z) - y).square().mean())


def ridge_error(z: Tensor, y: Tensor) -> float:
    """Mean squared error of the ridge regression that is optimal for these weights and noise."""
    x, shown = z[:, :-1, :D], z[:, :-1, D]
    gram = x.mT @ x + D * NOISE**2 * torch.eye(D)
    weights = torch.linalg.solve(gram, (x.mT @ shown[:, :, None])[:, :, 0])
    predicted = (weights * z[:, -1, :D]).sum(1)
    return float((predicted - y).square().mean())
