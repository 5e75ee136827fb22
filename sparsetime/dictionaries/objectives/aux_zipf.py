"""Auxiliary loss for latents that fire less than Zipf's law predicts."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.aux_k import AuxK
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


@final
@component("aux_zipf")
class AuxZipf(Term):
    """Auxiliary loss of `aux_k` for latents that fire less than Zipf's law predicts for their rank.

        underused: density_(r) < share · c · r^(-exponent),   c = Σ density / Σ_r r^(-exponent)
        loss = the loss of AuxK with dead and underused latents in place of dead

    density_(r) is the r-th largest firing rate. Dead latents count as underused.

    k: underused latents of a row that reconstruct the residual; None takes half the dimension.
    density: [width], running share of rows on which each latent fires. steps: batches seen so far.

    Source: the idea of aux_zipf_loss in Ayonrinde 2024, Adaptive Sparse Allocation with Mutual
    Choice & Feature Choice Sparse Autoencoders, arXiv:2411.02124; this form is written from the
    abstract.
    """

    density: Tensor
    steps: Tensor

    undivided = "it ranks all latents by how often they fire"

    def __init__(
        self,
        width: int,
        k: int | None = None,
        exponent: float = 1.0,
        share: float = 0.1,
        weight: float = 1 / 32,
        ema_decay: float = 0.98,
    ) -> None:
        if exponent <= 0 or not 0 < share < 1 or not 0 <= ema_decay < 1:
            raise ConfigError(
                f"got exponent={exponent}, share={share} and ema_decay={ema_decay}, expected an "
                "exponent above 0, a share between 0 and 1, and ema_decay of at least 0 and below 1"
            )
        super().__init__(
            width=width, k=k, exponent=exponent, share=share, weight=weight, ema_decay=ema_decay
        )
        self.width, self.exponent, self.share = width, exponent, share
        self.ema_decay = ema_decay
        self._aux = AuxK(k)
        self.register_buffer("density", torch.zeros(width))
        self.register_buffer("steps", torch.tensor(0))

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        underused = self.underused()
        return self._aux.of(step, underused if step.dead is None else underused | step.dead)

    def underused(self) -> Bool[Tensor, " width"]:
        """Latents that fire less than `share` of the law's rate for their rank; none at first.

        The running average's bias towards its start at zero is one factor for all latents, so it
        cancels.
        """
        ordered, order = self.density.sort(descending=True)
        rank = torch.arange(1, self.width + 1, device=ordered.device)
        law = rank.to(ordered.dtype) ** -self.exponent
        mask = torch.zeros_like(order, dtype=torch.bool)
        mask[order] = ordered < self.share * law * (ordered.sum() / law.sum())
        return mask

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        active = step.support.indices[step.values.detach() != 0]
        rate = torch.bincount(active, minlength=self.width) / step.support.rows
        keep = (self.steps / (self.steps + 1)).clamp_max(self.ema_decay)
        self.density.lerp_(rate, float(1 - keep))
        self.steps.add_(1)
