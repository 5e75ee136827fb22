"""Reconstruction error over a window of time steps."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.windowed import WindowDecoder
from sparsetime.dictionaries.forward_pass import ForwardPass, required
from sparsetime.dictionaries.objectives.term import Term


@final
@component("window_mse")
class WindowMSE(Term):
    """Squared error of the reconstructed window that ends with each row.

        loss = mean_n 1/|A_n| · Σ_{a in A_n} ||x_{n-a} - x̂_{n,a}||²,    A_n: ages in the segment

    Steps before the start of a segment do not count.

    Source: the reconstruction term of a crosscoder (Lindsey et al. 2024) with steps of time as
    sites.
    """

    is_reconstruction = True
    needs = frozenset({"segments"})

    undivided = "its decoder writes to several steps"

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight=weight)

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.decoder, WindowDecoder) and composition.skip is None:
            return None
        return (
            "got a decoder of one step, or a skip connection, expected a windowed decoder without "
            "skip connection for the term 'window_mse'; take the decoder 'windowed', or 'mse'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        decoder = step.decoder
        assert isinstance(decoder, WindowDecoder), "checked when composed"
        segments = required(step.batch.segments, "segments")
        errors, share = decoder.window_errors(step.values, step.support, step.target, segments)
        return (errors.square().sum(2) * share).sum(1).mean()
