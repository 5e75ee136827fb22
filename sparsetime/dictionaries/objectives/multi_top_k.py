"""Reconstruction error with a multiple of k latents (Multi-TopK)."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


@final
@component("multi_top_k")
class MultiTopK(Term):
    """Squared error of the reconstruction by the `times * k` largest latents of each row.

        loss = mean_n ||x_n - x̂_n^(times · k)||²

    x̂_n^(m) sums the m largest positive pre-activations of the row times their atoms.

    A code trained at one k alone degrades when more of its latents are kept. This term keeps it
    good up to `times * k`, so that another k, or a threshold, can be chosen at inference.

    Source: Gao et al. 2024, Scaling and evaluating sparse autoencoders, arXiv:2406.04093, which
    adds the loss at 4k with weight 1/8.
    """

    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, times: int = 4, weight: float = 1 / 8) -> None:
        if times < 2:
            raise ConfigError(f"got times={times}, expected at least 2, for more latents than k")
        super().__init__(times=times, weight=weight)
        self.times = times

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(getattr(composition.sparsifier.innermost, "k", None), int):
            return None
        return (
            f"got the sparsifier {composition.sparsifier.kind!r}, which has no k, expected one "
            f"with a k for the term {self.kind!r}; take 'top_k', or leave the term out"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        k = min(self.times * int(step.sparsifier.innermost.settings["k"]), step.encoder.width)
        support, pre = step.encoder.encode_train(
            step.inputs, kernels.TopKRule(k), step.inputs.dtype
        )
        reconstruction = step.decoder.decode(pre.relu(), support)
        if step.skip is not None:
            reconstruction = reconstruction + step.skip.predict(step.encoder_input)
        return step.partition.over_rows((reconstruction - step.target).square().sum(1).mean())
