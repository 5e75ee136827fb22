"""Auxiliary loss against dead latents (aux-k)."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError

# With at most this many times k dead latents, dense products of all of them are faster than
# products at the selected entries.
_FEW = 4
# Where `k` is None, one dead latent in four takes part in the reconstruction of a row.
_SHARE = 4


@final
@component("aux_k")
class AuxK(Term):
    """Auxiliary loss that revives dead latents: the dead reconstruct the residual.

        loss = mean_n ||r_n - r̂_n||² / Var(r),    r = target - reconstruction, without gradient
        r̂_n = Σ over the k dead latents of row n with the largest pre-activations of pre_i · atom_i

    `k` None takes a quarter of the dead latents, at most half the dimension of the reconstruction.
    If all dead latents reconstructed every row together, none would learn a feature of its own: a
    latent must be left out of most rows to become one for the others. Pre-activations count
    whatever their sign: a dead latent whose pre-activations are all negative could not return
    otherwise. They are computed from what the encoder reads, and r is of all that a latent writes:
    of a whole window, where both extend over time. So all parameters of a selected latent get
    gradient.

    Source: Gao et al. 2024, Scaling and evaluating sparse autoencoders, arXiv:2406.04093, appendix
    A.2, which takes half the dimension.
    """

    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, k: int | None = None, weight: float = 1 / 32) -> None:
        if k is not None and k < 1:
            raise ConfigError(
                f"got aux_k={k}, expected at least 1, or None for a quarter of the dead latents"
            )
        super().__init__(k=k, weight=weight)
        self.k = k

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return step.x.new_zeros(()) if step.dead is None else self.of(step, step.dead)

    def of(self, step: ForwardPass, latents: Bool[Tensor, " width"]) -> Float[Tensor, ""]:
        """The same loss for any set of latents; zero where it is empty."""
        dead = latents.nonzero().squeeze(1)
        count = step.partition.count_latents(dead.shape[0])
        if not count:
            return step.x.new_zeros(())
        k = self.k or min(step.target.shape[1] // 2, -(-count // _SHARE))
        k = max(1, min(k, count))
        # A dense product chooses among the latents of this process alone.
        dense = step.partition.has_all_latents and count <= _FEW * k
        guess = (self._dense if dense else self._selected)(step, dead, k)
        over_rows = step.partition.over_rows
        residual, weight = step.written_residual
        spread = residual - over_rows(residual.mean(0))
        variance = over_rows(_mean_square(spread, weight)).clamp_min(1e-12)
        return over_rows(_mean_square(guess - residual, weight)) / variance

    def _dense(self, step: ForwardPass, dead: Tensor, k: int) -> Float[Tensor, "rows m"]:
        """Reconstruct with products of all the latents, for where most are among the k largest."""
        pre = step.encoder.preacts_of(step.encoder.read(step.inputs), dead)
        if k < dead.shape[0]:
            score = pre.detach()
            # Exactly 0 is a latent with nothing to read: it is no better than a negative one.
            score = torch.where(score == 0, -torch.inf, score)
            pre = pre * kernels.mask_of_largest(score, k)
        return pre @ kernels.take_rows(step.decoder.written(), dead)

    def _selected(self, step: ForwardPass, dead: Tensor, k: int) -> Float[Tensor, "rows m"]:
        """Reconstruct with the selected entries alone, for where few are among the k largest."""
        x = step.encoder.read(step.inputs)
        support = step.encoder.topk_among(x, dead, k)
        values = step.encoder.preacts_at(x, support)
        decoded = kernels.decode(values, support, step.decoder.written())
        return step.partition.over_latents(decoded)


def _mean_square(
    error: Float[Tensor, "rows m"], weight: Float[Tensor, "rows m"] | None
) -> Float[Tensor, ""]:
    """Mean over rows of the weighted sum of squares."""
    squares = error.square()
    return (squares if weight is None else squares * weight).sum(1).mean()
