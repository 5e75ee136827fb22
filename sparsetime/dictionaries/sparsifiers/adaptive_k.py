"""AdaptiveK sparsifier: k of every row by a linear probe of its complexity."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.sparsifiers.sparsifier import Sparsifier, checked_k
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support

_EVERY = 10  # steps from one solution of the probe to the next, after as many first ones


@final
@component("adaptive_k", example={"k": 4})
class AdaptiveK(Sparsifier):
    """AdaptiveK sparsifier: the k_row largest latents of every row.

        k_row = k (1 + spread (2 sigmoid(steepness s) - 1))
        s = (<w, x> - mean) / std

    w: a linear probe of the batch's labels, whole numbers that grow with complexity, by ridge
    regression over all rows so far. Mean and std are of the probe's output over the rows so far.
    So k_row is from `k (1 - spread)` to `k (1 + spread)`.

    Labels are read in training alone. moments: [d_in + 2, d_in + 2], sums of products of a row, 1
    and its label. weight w: [d_in]; shift, scale: [], the affine map from <w, x> to s.

    Source: Yao, Du 2025, AdaptiveK Sparse Autoencoders, arXiv:2508.17320. There the probe is fitted
    before the dictionary, from labels that a language model gave to whole texts.
    """

    needs = frozenset({"labels"})
    latent_tensors = frozenset()
    divides_rows = True
    scale_free = True
    moments: Tensor
    weight: Tensor
    shift: Tensor
    scale: Tensor
    steps: Tensor

    def __init__(
        self,
        d_in: int,
        k: int,
        spread: float = 0.75,
        steepness: float = 1.5,
        ridge: float = 1e-3,
    ) -> None:
        if not 0 < spread < 1 or steepness <= 0 or ridge <= 0:
            raise ConfigError(
                f"got spread={spread}, steepness={steepness} and ridge={ridge}, expected a spread "
                "between 0 and 1, and steepness and ridge above 0"
            )
        super().__init__(d_in=d_in, k=checked_k(k), spread=spread, steepness=steepness, ridge=ridge)
        self.k, self.spread, self.steepness, self.ridge = k, spread, steepness, ridge
        self.register_buffer("moments", torch.zeros(d_in + 2, d_in + 2))
        self.register_buffer("weight", torch.zeros(d_in))
        self.register_buffer("shift", torch.tensor(0.0))
        self.register_buffer("scale", torch.tensor(0.0))
        self.register_buffer("steps", torch.tensor(0))

    def training_rule(self, inputs: EncoderInput) -> Rule:
        return kernels.TopKPerRowRule(self.k_of(inputs.x))

    def gate(self, pre: Tensor, support: Support, inputs: EncoderInput) -> Tensor:
        return pre.relu()

    @torch.no_grad()
    def scores(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, " rows"]:
        """The probe's opinion of rows as the encoder sees them, in standard deviations."""
        # One row at a time in float64, so that a k does not depend on the rows beside it.
        products = (x.double() * self.weight.double()).sum(1)
        return ((products + self.shift) * self.scale).float()

    def k_of(self, x: Float[Tensor, "rows d"]) -> Int[Tensor, " rows"]:
        """Number of latents k for every row."""
        share = 2 * torch.sigmoid(self.steepness * self.scores(x)) - 1
        return (self.k * (1 + self.spread * share)).round().clamp_min(1).long()

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        x = step.encoder_input
        labels = required(step.batch.labels, "labels").to(x.dtype).reshape(x.shape[0], -1)[:, :1]
        samples = torch.cat([x, torch.ones_like(labels), labels], 1)
        self.moments.add_(step.partition.sum_over_rows(samples.T @ samples))
        self.steps.add_(1)
        if int(self.steps) <= _EVERY or int(self.steps) % _EVERY == 0:
            self._solve()

    def _solve(self) -> None:
        rows = self.moments[-2, -2]
        mean = self.moments[-2] / rows
        spread = (self.moments / rows - torch.outer(mean, mean)).double()
        d = self.weight.shape[0]
        inner, outer = spread[:d, :d], spread[:d, -1]
        penalty = self.ridge * inner.diagonal().mean().clamp_min(1e-12)
        weight = torch.linalg.solve(inner + penalty * torch.eye(d).to(inner), outer)
        variance = weight @ inner @ weight
        self.weight.copy_(weight)
        self.shift.copy_(-(weight @ mean[:d].double()))
        # Labels that never change but for rounding, or that rows do not tell, leave every row at k.
        changes = (spread[-1, -1] > 1e-5 * self.moments[-1, -1] / rows) & (variance > 0)
        self.scale.copy_(torch.where(changes, variance.rsqrt(), 0.0))
