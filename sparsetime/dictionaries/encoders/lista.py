"""LISTA encoder: a linear encoder that reads its row once more, with the residual added."""

from __future__ import annotations

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import kernels
from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support, TopKRule
from sparsetime.kernels.precision import selection_dtype


@final
@component("lista", example={"k": 4})
class LISTAEncoder(SelectLinearEncoder):
    """Linear encoder after steps of learnt iterative thresholding.

        u_0 = x;   z_t = the k largest of relu(W u_t + b);   u_(t+1) = u_t + eta (x - z_t D)
        pre = W u_steps + b

    D: the decoder's rows. Where active latents overlap, their sum overshoots, and the residual
    lowers those that others explain; a latent that was missed rises. Weights of all steps are tied
    and steps are differentiated; an encoding costs as much as `steps + 1` linear ones.

    x: [rows, d_in]; weight W: [width, d_in]; bias b: [width]; k of the steps alone.

    Source: Gregor, LeCun 2010, Learning Fast Approximations of Sparse Coding, with tied weights and
    a selection in place of soft thresholds.
    """

    scalable = True

    def __init__(
        self, d_in: int, width: int, k: int, steps: int = 1, step_size: float = 0.3
    ) -> None:
        if k < 1 or steps < 1 or not 0 < step_size <= 1:
            raise ConfigError(
                f"got k={k}, steps={steps} and step_size={step_size}, expected k and steps of at "
                "least 1 and a step_size above 0 and at most 1"
            )
        super().__init__(d_in=d_in, width=width, k=k, steps=steps, step_size=step_size)
        self.d_in, self.width = d_in, width
        self.k, self.steps, self.step_size = k, steps, step_size
        self.weight = nn.Parameter(torch.zeros(width, d_in))
        self.bias = nn.Parameter(torch.zeros(width))

    def incompatibility(self, composition: Composition) -> str | None:
        if composition.out_dims is not None:
            return (
                "lista subtracts a reconstruction from what is read, and the decoder's rows live "
                "in the space of another site; take encoder 'linear'"
            )
        if composition.decoder.vectors().shape[1] != self.d_in:
            return (
                "lista subtracts a reconstruction from what is read, and the decoder's rows have "
                "another length; take decoder 'unit_norm', or encoder 'linear'"
            )
        return None

    def directions(self) -> Float[Tensor, "width d"]:
        return self.weight

    def read(self, inputs: EncoderInput) -> Float[Tensor, "rows d"]:
        """The rows u after all steps, with gradients."""
        refined, rule = inputs.x, TopKRule(self.k)
        for _ in range(self.steps):
            support, pre = kernels.pre_activations(
                refined, self.weight, self.bias, rule, inputs.dtype
            )
            refined = self._stepped(refined, inputs.x, support, pre)
        return refined

    @torch.no_grad()
    def encode_eval(
        self, inputs: EncoderInput, rule: Rule
    ) -> tuple[Support, Float[Tensor, " entries"]]:
        dtype = selection_dtype(inputs.x.device)
        refined = inputs.x
        for _ in range(self.steps):
            support, pre = kernels.exact_pre_activations(
                refined, self.weight, self.bias, TopKRule(self.k), dtype
            )
            refined = self._stepped(refined, inputs.x, support, pre)
        return self.encoded(refined, rule)

    def _stepped(
        self,
        refined: Float[Tensor, "rows d"],
        x: Float[Tensor, "rows d"],
        support: Support,
        pre: Float[Tensor, " entries"],
    ) -> Float[Tensor, "rows d"]:
        explained = kernels.decode(pre.relu(), support, self.decoder.vectors())
        return refined + self.step_size * (x - explained)

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        self.weight.mul_(factor)

    @torch.no_grad()
    def init_from(self, directions: Float[Tensor, "width d"]) -> None:
        self.weight.copy_(directions)
        self.bias.zero_()
