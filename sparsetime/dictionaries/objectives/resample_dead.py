"""Resampling of dead latents: they start again as rows that are reconstructed badly."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.decoders.unit_norm import UnitNormBase
from sparsetime.dictionaries.encoders.linear import LinearEncoder
from sparsetime.dictionaries.forward_pass import ForwardPass, of_class
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


@final
@component("resample_dead")
class ResampleDead(Term):
    """Resets the weights of dead latents several times in a training; its loss is 0.

        P(n) = e_n^2 / Σ e^2,   e_n = ||x_n - x̂_n||²
        w_i <- (x_n - b) / ||x_n - b||,   encoder_i <- scale r w_i,   bias_i <- 0

    for every dead latent i, n drawn without replacement; r: mean norm of the encoder's rows of
    other latents. times: how often, evenly in the first share `until` of the training. At most as
    many latents as a batch has rows are reset at once.

    Source: Bricken et al. 2023, Towards Monosemanticity, appendix, with ReLU, scale 0.2, and
    Adam's moments set to zero too; here the moments of a dead latent have decayed.

    Errors: ConfigError for no times, a share outside of (0, 1], or a scale not above 0.
    """

    noise_seed: Tensor  # drawn with the initial weights, so that it differs between seeds
    reached: Tensor

    def __init__(
        self,
        times: int = 4,
        until: float = 0.5,
        scale: float = 1.0,
        weight: float = 0.0,
    ) -> None:
        if times < 1 or not 0 < until <= 1 or scale <= 0:
            raise ConfigError(
                f"got times={times}, until={until} and scale={scale}, expected at least once, a "
                "share above 0 and at most 1, and a scale above 0"
            )
        super().__init__(times=times, until=until, scale=scale, weight=weight)
        self.times, self.until, self.scale = times, until, scale
        self.register_buffer("noise_seed", torch.tensor(0))
        self.register_buffer("reached", torch.tensor(0))

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        self.noise_seed.copy_(torch.randint(1 << 31, (), generator=generator))

    def incompatibility(self, composition: Composition) -> str | None:
        linear = composition.encoder.kind == LinearEncoder.kind
        if linear and isinstance(composition.decoder, UnitNormBase) and not composition.out_dims:
            return None
        return (
            "got an encoder or a decoder without rows of their own, or another site to write to, "
            "expected 'linear' and 'unit_norm' on one site for the term 'resample_dead'; take "
            "'aux_k'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        return step.x.new_zeros(())

    @torch.no_grad()
    def observe(self, step: ForwardPass) -> None:
        due = min(self.times, int(step.progress / self.until * self.times))
        if due <= int(self.reached):
            return
        self.reached.fill_(due)
        if step.dead is None or not step.dead.any():
            return
        encoder = of_class(step.encoder, LinearEncoder)
        atoms = of_class(step.decoder, UnitNormBase).weight
        rows = self._chosen(step)
        dead = step.dead.nonzero().squeeze(1)[: len(rows)]
        directions = (step.x - step.offset)[rows[: len(dead)]]
        directions = directions / directions.norm(dim=1, keepdim=True).clamp_min(1e-8)
        others = encoder.weight[~step.dead].norm(dim=1)
        length = others.mean() if others.numel() else encoder.weight.new_ones(())
        atoms[dead] = directions
        encoder.weight[dead] = self.scale * length * directions
        encoder.bias[dead] = 0

    def _chosen(self, step: ForwardPass) -> Tensor:
        """Rows in random order, those with a large error early."""
        squares = step.residual.square().sum(1).square()
        random = seeds.torch_generator(int(self.noise_seed), "resampled latents", int(self.reached))
        # The order of Gumbel-perturbed logarithms is that of draws without replacement.
        uniform = torch.rand(len(squares), generator=random).to(squares).clamp(1e-9, 1 - 1e-7)
        keys = squares.clamp_min(1e-30).log() - (-uniform.log()).log()
        return keys.argsort(descending=True)
