"""A task for dead latents: explain what the living ones leave over."""

from __future__ import annotations

from typing import final

from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError

# Up to so many times k dead latents, products of all of them beat loops over the chosen ones.
_FEW = 4


@final
@component("aux_k")
class AuxK(Term):
    """Squared error of the residual's reconstruction by the `k` strongest dead latents of a row,
    relative to the residual's variance.

    `k` None takes half the reconstruction's dimension. Pre-activations count whatever their sign: a
    dead latent that is negative everywhere could not come back otherwise.

    Source: Gao et al. 2024, arXiv:2406.04093, appendix A.2.
    """

    def __init__(self, k: int | None = None, weight: float = 1 / 32) -> None:
        if k is not None and k < 1:
            raise ConfigError(f"aux_k must be at least 1, or None for d_in / 2; given: {k}")
        super().__init__(k=k, weight=weight)
        self.k, self.weight = k, weight

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return step.x.new_zeros(()) if step.dead is None else self.of(step, step.dead)

    def of(self, step: ForwardPass, latents: Bool[Tensor, " width"]) -> Float[Tensor, ""]:
        """The same task for any latents, the dead or others; zero where there are none."""
        if not bool(latents.any()):
            return step.x.new_zeros(())
        dead = latents.nonzero().squeeze(1)
        k = min(self.k or max(1, step.target.shape[1] // 2), dead.shape[0])
        guess = self._few(step, dead, k) if dead.shape[0] <= _FEW * k else self._many(step, dead, k)
        residual = step.residual
        variance = (residual - residual.mean(0)).square().sum(1).mean().clamp_min(1e-12)
        return (guess - residual).square().sum(1).mean() / variance

    def _few(self, step: ForwardPass, dead: Tensor, k: int) -> Float[Tensor, "rows d"]:
        """Most dead latents take part, so plain products of them all cost least."""
        pre = step.encoder.preacts_of(step.encoder_input, dead)
        if k < dead.shape[0]:
            pre = pre * kernels.mask_of_largest(pre.detach(), k)
        return pre @ kernels.take_rows(step.decoder.vectors(), dead)

    def _many(self, step: ForwardPass, dead: Tensor, k: int) -> Float[Tensor, "rows d"]:
        """Few of the dead latents take part: only these are differentiated."""
        x = step.encoder_input
        support = step.encoder.topk_among(x, dead, k)
        values = step.encoder.preacts_at(x, support)
        return kernels.decode(values, support, step.decoder.vectors())
