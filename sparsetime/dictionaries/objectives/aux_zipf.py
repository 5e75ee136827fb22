"""A task for latents that fire less than their rank would have them."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.aux_k import AuxK
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


@final
@component("aux_zipf")
class AuxZipf(Term):
    """What `aux_k` asks of dead latents, asked of underused ones too.

    Frequencies of features fall with their rank about as words' do. A latent is underused where it
    fires less than `share` of what a law `rank ** -exponent` gives its rank, the law having the
    same sum as the frequencies that were seen. Dead latents count as underused.

    k: how many underused latents of a row explain the residual; None takes half the dimension.
    density: [width], the running share of rows on which each latent fires; steps: how many were
    seen.

    Source: the idea is that of aux_zipf_loss in Ayonrinde 2024, arXiv:2411.02124; this form of it
    was written from the abstract.
    """

    density: Tensor
    steps: Tensor

    def __init__(
        self,
        width: int,
        k: int | None = None,
        exponent: float = 1.0,
        share: float = 0.1,
        weight: float = 1 / 32,
        memory: float = 0.98,
    ) -> None:
        if exponent <= 0 or not 0 < share < 1 or not 0 <= memory < 1:
            raise ConfigError(
                "the exponent is above 0, the share between 0 and 1, the memory from 0 to below 1; "
                f"given: {exponent}, {share} and {memory}"
            )
        super().__init__(
            width=width, k=k, exponent=exponent, share=share, weight=weight, memory=memory
        )
        self.width, self.exponent, self.share = width, exponent, share
        self.weight, self.memory = weight, memory
        self._aux = AuxK(k)
        self.register_buffer("density", torch.zeros(width))
        self.register_buffer("steps", torch.tensor(0))

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        underused = self.underused()
        return self._aux.of(step, underused if step.dead is None else underused | step.dead)

    def underused(self) -> Bool[Tensor, " width"]:
        """The latents that fire less than their rank would have them; none before the first step.

        The densities' debt to their start at zero is the same for all, and so plays no part.
        """
        ordered, order = self.density.sort(descending=True)
        rank = torch.arange(1, self.width + 1, device=ordered.device)
        law = rank.to(ordered.dtype) ** -self.exponent
        found = torch.zeros_like(order, dtype=torch.bool)
        found[order] = ordered < self.share * law * (ordered.sum() / law.sum())
        return found

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        on = step.support.indices[step.values.detach() != 0]
        seen = torch.bincount(on, minlength=self.width) / step.support.rows
        keep = (self.steps / (self.steps + 1)).clamp_max(self.memory)
        self.density.lerp_(seen, float(1 - keep))
        self.steps.add_(1)
