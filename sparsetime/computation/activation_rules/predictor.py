"""A low-rank predictor of which neurons are active, from the input of their MLP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.components import component
from sparsetime.computation.activation_rules.activation_rule import ActivationRule
from sparsetime.computation.structures.structure import kept_count
from sparsetime.errors import ConfigError


@final
@component("predictor")
class Predictor(ActivationRule):
    """The k neurons that a low-rank map of the MLP's input predicts, before the MLP runs.

        M_j = 1 where (A B x + c)_j is among the k = (1 - s) n largest,  B: [rank, d]
        training: binary cross-entropy with the k neurons of highest score of each step

    rank: of the map, whose cost is rank (d + n) multiplications a step. steps, batch,
    learning_rate: of its training by Adam on the calibration data.

    Source: Liu et al. 2023, Deja Vu: Contextual Sparsity for Efficient LLMs at Inference Time,
    section 4.
    """

    predicts = True

    def __init__(
        self, rank: int = 48, steps: int = 250, batch: int = 256, learning_rate: float = 3e-3
    ) -> None:
        super().__init__(rank=rank, steps=steps, batch=batch, learning_rate=learning_rate)
        if rank < 1 or steps < 1 or batch < 1 or not learning_rate > 0:
            raise ConfigError(
                f"got rank={rank}, steps={steps}, batch={batch}, learning_rate={learning_rate} of "
                "a predictor, expected numbers above 0"
            )
        self.rank, self.steps, self.batch = rank, steps, batch
        self.learning_rate = learning_rate

    def calibrated(
        self,
        scores: Float[Tensor, "steps entries"],
        read: Float[Tensor, "steps d"] | None,
        sparsity: float,
        seed: int,
    ) -> dict[str, Tensor]:
        assert read is not None, "a predictor has something to read"
        count, width = scores.shape
        k = max(1, kept_count(width, sparsity))
        with seeds.torch_globals(seed, "initial weights of a predictor"):
            down = nn.Linear(read.shape[1], self.rank, bias=False)
            up = nn.Linear(self.rank, width)
        down, up = down.to(read.device), up.to(read.device)
        parameters = [*down.parameters(), *up.parameters()]
        optimiser = torch.optim.Adam(parameters, self.learning_rate)
        generator = seeds.torch_generator(seed, "order of a predictor's steps")
        with torch.enable_grad():
            for _ in range(self.steps):
                rows = torch.randint(count, (self.batch,), generator=generator)
                active = torch.zeros(self.batch, width, device=scores.device)
                active.scatter_(1, scores[rows].topk(k, dim=1).indices, 1.0)
                predicted = up(down(read[rows]))
                loss = nn.functional.binary_cross_entropy_with_logits(predicted, active)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return {
            "k": torch.tensor(k),
            "down": down.weight.detach(),
            "up": up.weight.detach(),
            "bias": up.bias.detach(),
        }

    def macs(self, learnt: Mapping[str, Tensor]) -> int:
        return learnt["down"].numel() + learnt["up"].numel()

    def kept(
        self, x: Float[Tensor, "*steps entries"], learnt: Mapping[str, Tensor]
    ) -> Bool[Tensor, "*steps kept"]:
        x = x.detach().float()
        predicted = x @ learnt["down"].T @ learnt["up"].T + learnt["bias"]
        chosen = predicted.topk(int(learnt["k"]), dim=-1).indices
        return torch.zeros_like(predicted, dtype=torch.bool).scatter_(-1, chosen, True)
