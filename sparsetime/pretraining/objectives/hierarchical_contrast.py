"""Hierarchical contrast: each step's vector against other times and other sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, final

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, max_pool1d

from sparsetime.components import component
from sparsetime.errors import ConfigError
from sparsetime.pretraining.objectives.pretraining_term import PretrainingTerm, check_no_overlap
from sparsetime.pretraining.pairs.pair import PairSampler
from sparsetime.pretraining.pretraining_pass import PretrainingPass
from sparsetime.sequence_models.model import SequenceModel


@final
@component("hierarchical_contrast")
class HierarchicalContrast(PretrainingTerm):
    """Vectors of one step in two contexts are alike, of other steps and other sequences not.

        loss = mean over levels of (by_time + by_sequence) / 2

        by_time = -mean over b, t of log softmax over s, context of <z[b, t], z'[b, s]>  at s = t
        by_sequence = the same with the roles of t and b exchanged

    The softmax runs over all other vectors of both contexts. A level is the maximum over pairs of
    times of the one before; at the last there is one vector a sequence, which is compared by
    sequence alone. pair: a kind of `pairs/` with common steps. hidden: the probability with which a
    vector of the view is set to 0 before the model, drawn for each context.

    Source: Yue et al. 2022, TS2Vec, arXiv:2106.10466, equations 1 to 3 and algorithm 1.
    """

    def __init__(
        self,
        pair: str | Mapping[str, Any] = "crops",
        hidden: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    ) -> None:
        super().__init__(pair=dict(pair) if isinstance(pair, Mapping) else pair, hidden=hidden)
        self.hidden = hidden
        self.pair = PairSampler.from_description(pair)

    def check(self, model: SequenceModel) -> None:
        """Errors: ConfigError where vectors of different times share steps."""
        check_no_overlap(self.kind, model)

    def loss(self, step: PretrainingPass) -> Float[Tensor, ""]:
        """The contrast of a pair drawn of the batch."""
        view = step.model.view
        pair = self.pair.draw(step.x, view.stride, step.random)
        if not pair.common:
            raise ConfigError(
                f"got pairs {self.pair.kind!r} without common steps, expected two contexts of the "
                "same steps; give pair='crops'"
            )
        count = view.layout(pair.common).count
        contexts = []
        for x, start in ((pair.first, pair.first_start), (pair.second, pair.second_start)):
            vectors = view(x)
            kept = torch.rand(vectors.shape[:2], generator=step.random) >= self.hidden
            vectors = step.model.contextualise(vectors * kept[..., None].to(vectors))
            begin = start // view.stride * view.places
            contexts.append(vectors[:, begin : begin + count])
        return hierarchical_contrast(*contexts)


def hierarchical_contrast(
    first: Float[Tensor, "batch time d"], second: Float[Tensor, "batch time d"]
) -> Float[Tensor, ""]:
    """The loss above of two contexts with the same times."""
    levels = []
    while True:
        by_sequence = contrast_of_groups(first.transpose(0, 1), second.transpose(0, 1))
        if first.shape[1] == 1:
            levels.append(by_sequence / 2)
            return torch.stack(levels).mean()
        levels.append((by_sequence + contrast_of_groups(first, second)) / 2)
        first, second = (
            max_pool1d(one.transpose(1, 2), 2).transpose(1, 2) for one in (first, second)
        )


def contrast_of_groups(
    first: Float[Tensor, "groups items d"], second: Float[Tensor, "groups items d"]
) -> Float[Tensor, ""]:
    """Within each group, an item's counterpart against all other items of both; 0 for one item."""
    items = first.shape[1]
    if items == 1:
        return first.new_zeros(())
    both = torch.cat([first, second], 1)
    itself = torch.eye(2 * items, dtype=torch.bool, device=both.device)
    logits = (both @ both.transpose(1, 2)).masked_fill(itself, -torch.inf)
    counterpart = torch.arange(2 * items, device=both.device).roll(items).expand(len(both), -1)
    return cross_entropy(logits.flatten(0, 1), counterpart.flatten())
