"""How far a code is from the whole window that it stands for."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.windowed import WindowedDecoder
from sparsetime.dictionaries.forward_pass import ForwardPass, of_class, required
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.state.causal_window import trailing


@final
@component("window_mse")
class WindowMSE(Term):
    """The squared error of the window that ends with each row, mean over its steps and over rows.

    Steps before the beginning of a sequence do not count.
    """

    is_reconstruction = True
    needs = frozenset({"segments"})

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.decoder, WindowedDecoder) and composition.skip is None:
            return None
        return (
            "the term 'window_mse' compares a window of steps with what atoms say of one: take "
            "decoder 'windowed' and no base, or the term 'mse'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        decoder = of_class(step.decoder, WindowedDecoder)
        segments = required(step.batch.segments, "segments")
        target = trailing(step.target, segments, decoder.window)[0]
        errors = (decoder.over_window(step.values, step.support) - target).square().sum(2)
        age = torch.arange(decoder.window - 1, -1, -1, device=errors.device)
        there = segments.position[:, None] >= age
        return ((errors * there).sum(1) / there.sum(1)).mean()
