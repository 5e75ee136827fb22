"""How far a product of rounded factors can be from the exact one."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.kernels import loops

# Bounds on the relative error of a product, with room for sums of many terms.
_RELATIVE = {torch.bfloat16: 2**-7, torch.float16: 2**-9, torch.float32: 2**-16}
# A number rounded to an integer is off by at most half; the errors of many spread as if uniform.
# Products of 8-bit integers were seen at most 5.7 standard deviations off in 25 million.
_DEVIATIONS = 8 / 12**0.5


def row_errors(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    dtype: torch.dtype,
) -> Float[Tensor, " rows"]:
    """For every row, how far any entry of `x @ weight.T + bias` in `dtype` can be off."""
    if dtype == torch.int8:
        (rows, row_steps), (latents, latent_steps) = _reach(x), _reach(weight)
        return _of_integers(rows, row_steps, latents.max(), latent_steps.max())
    widest = weight.norm(dim=1).max()
    errors: Tensor = (x.norm(dim=1) * widest + bias.abs().max()) * _RELATIVE[dtype]
    return errors


def latent_errors(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    dtype: torch.dtype,
) -> Float[Tensor, " width"]:
    """For every latent, how far any entry of `x @ weight.T + bias` in `dtype` can be off."""
    if dtype == torch.int8:
        (rows, row_steps), (latents, latent_steps) = _reach(x), _reach(weight)
        return _of_integers(rows.max(), row_steps.max(), latents, latent_steps)
    longest = x.norm(dim=1).max()
    errors: Tensor = (longest * weight.norm(dim=1) + bias.abs()) * _RELATIVE[dtype]
    return errors


def _reach(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of every row its norm, and what one unit of its 8-bit integers stands for."""
    norms, largest = loops.reach(x.detach().float().contiguous().numpy())
    return torch.from_numpy(norms), torch.from_numpy(largest) / 127


def _of_integers(x: Tensor, x_step: Tensor, weight: Tensor, weight_step: Tensor) -> Tensor:
    return _DEVIATIONS * torch.hypot(x_step * weight, weight_step * x)
