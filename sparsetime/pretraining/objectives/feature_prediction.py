"""Feature prediction: the vector of the next clip, of the one before, or of both, by contrast."""

from __future__ import annotations

from typing import Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from sparsetime.components import component
from sparsetime.errors import DataError
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm, check_several
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.sequence_component import Count, Positive


@final
@component("feature_prediction", example={"d": 8})
class FeaturePrediction(PretrainingTerm):
    """Three clips in a row: the middle one predicts the features of its neighbours.

        loss = -log softmax over candidates of cos(P(v), J(neighbours)) / temperature

    v: the mean vector of the middle clip. direction "both": J encodes (future, past) together, and
    candidates are those of all sequences of the batch and the same with future and past exchanged,
    which differ in their order alone; "future" and "past": J encodes one neighbour, and candidates
    are those of the batch.

    Source: Behrmann et al. 2021, arXiv:2011.06037, section 3.
    """

    def __init__(
        self,
        d: Count,
        direction: Literal["both", "future", "past"] = "both",
        temperature: Positive = 0.1,
    ) -> None:
        super().__init__(d=d, direction=direction, temperature=temperature)
        self.direction, self.temperature = direction, temperature
        read = 2 * d if direction == "both" else d
        self.predictor = nn.Sequential(nn.Linear(d, 2 * d), nn.ReLU(), nn.Linear(2 * d, d))
        self.joint = nn.Sequential(nn.Linear(read, 2 * d), nn.ReLU(), nn.Linear(2 * d, d))

    def loss(self, step: PretrainingPass) -> Float[Tensor, ""]:
        """The contrast over the batch, of a random three clips of every sequence."""
        check_several(self.kind, step)
        stride = step.model.view.stride
        length = step.x.shape[1] // stride // 3 * stride
        if not length:
            raise DataError(
                f"got sequences of {step.x.shape[1]} steps, expected at least three vectors of "
                f"{stride} steps, one for each clip; give longer sequences"
            )
        free = (step.x.shape[1] - 3 * length) // stride + 1
        begin = stride * int(torch.randint(free, (1,), generator=step.random))
        clips = step.x[:, begin : begin + 3 * length].split(length, 1)
        past, present, future = (step.model.vectors(one, None).mean(1) for one in clips)
        joint = {
            "both": torch.cat([future, past], 1),
            "future": future,
            "past": past,
        }[self.direction]
        candidates = self.joint(joint)
        if self.direction == "both":
            exchanged = self.joint(torch.cat([past, future], 1))
            candidates = torch.cat([candidates, exchanged])
        predicted = normalize(self.predictor(present), dim=1)
        logits = predicted @ normalize(candidates, dim=1).T / self.temperature
        return cross_entropy(logits, torch.arange(len(predicted), device=logits.device))
