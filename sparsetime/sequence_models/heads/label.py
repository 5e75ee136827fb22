"""Label: logits of the class of the sequence so far."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.components import component
from sparsetime.sequence_models.heads.head import Head
from sparsetime.sequence_models.sequence_component import Count


@final
@component("label", example={"d": 8, "classes": 3})
class LabelHead(Head):
    """Logits of a class, of the mean of all vectors so far.

        l_t = W (x_1 + ... + x_t) / t + b

    The last step has the logits of the whole sequence.

    Source: Lin et al. 2013, arXiv:1312.4400 (averages before the classifier).
    """

    def __init__(self, d: Count, classes: Count) -> None:
        super().__init__(d=d, classes=classes)
        self.map = nn.Linear(d, classes)

    def forward(self, x: Float[Tensor, "batch time d"]) -> Float[Tensor, "batch time classes"]:
        """The logits of all steps."""
        count = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)
        logits: Tensor = self.map(x.cumsum(1) / count[:, None])
        return logits
