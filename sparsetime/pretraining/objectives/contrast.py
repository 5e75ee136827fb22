"""Contrast of sequences: two clips or copies of a sequence have like mean vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from sparsetime.components import component
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm, check_several
from sparsetime.pretraining.pairs.pair import PairSampler
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.sequence_component import Count, Positive


@final
@component("contrast", example={"d": 8})
class SequenceContrast(PretrainingTerm):
    """Mean vectors of a pair, the second by the teacher, are alike.

        q = P(mean of h(first)),  k = mean of h_teacher(second)

        "cosine":   loss = 2 - 2 cos(q, k)
        "info_nce": loss = -log softmax over the batch of cos(q, k) / temperature, at its own pair

    and the same with first and second exchanged. P: a network with one hidden layer. The vectors of
    the teacher carry no gradient. pair: a kind of `pairs/`, with its settings. "cosine" needs no
    negatives; without a teacher that moves slowly it is SimSiam.

    Source: He et al. 2020, MoCo, arXiv:1911.05722; Grill et al. 2020, BYOL, arXiv:2006.07733; Chen
    and He 2021, SimSiam, arXiv:2011.10566; over time: Feichtenhofer et al. 2021, arXiv:2104.14558.
    """

    def __init__(
        self,
        d: Count,
        pair: str | Mapping[str, Any] = "copies",
        form: Literal["cosine", "info_nce"] = "cosine",
        temperature: Positive = 0.1,
    ) -> None:
        super().__init__(
            d=d,
            pair=dict(pair) if isinstance(pair, Mapping) else pair,
            form=form,
            temperature=temperature,
        )
        self.form, self.temperature = form, temperature
        self.pair = PairSampler.from_description(pair)
        self.predictor = nn.Sequential(
            nn.Linear(d, 2 * d), nn.BatchNorm1d(2 * d), nn.ReLU(), nn.Linear(2 * d, d)
        )

    def loss(self, step: PretrainingPass) -> Float[Tensor, ""]:
        """The mean of both directions, of a pair drawn of the batch."""
        check_several(self.kind, step)
        pair = self.pair.draw(step.x, step.model.view.stride, step.random)
        losses = [
            self._one_way(
                self.predictor(step.model.vectors(x, None).mean(1)), step.teach(other).mean(1)
            )
            for x, other in ((pair.first, pair.second), (pair.second, pair.first))
        ]
        return torch.stack(losses).mean()

    def _one_way(
        self, q: Float[Tensor, "batch d"], k: Float[Tensor, "batch d"]
    ) -> Float[Tensor, ""]:
        q, k = normalize(q, dim=1), normalize(k, dim=1)
        if self.form == "cosine":
            return 2 - 2 * (q * k).sum(1).mean()
        own = torch.arange(len(q), device=q.device)
        return cross_entropy(q @ k.T / self.temperature, own)
