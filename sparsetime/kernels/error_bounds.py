"""Bounds on the rounding error of products in low precision."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime.kernels import loops
from sparsetime.kernels.kept_of_weight import KeptOfWeight
from sparsetime.kernels.quantised_weights import in_panels, quantised

# Bounds on the relative error of a product, with a margin for sums of many terms.
_RELATIVE = {torch.bfloat16: 2**-7, torch.float16: 2**-9, torch.float32: 2**-16}
# Rounding to an integer has an error of at most a half, nearly uniform: a variance of 1 / 12. The
# largest error of 25 million products of 8-bit integers was 5.7 standard deviations.
_DEVIATIONS = 8 / 12**0.5
_longest_row = KeptOfWeight(lambda weight: weight.norm(dim=1).max())


def row_errors(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    dtype: torch.dtype,
) -> Float[Tensor, " rows"]:
    """Bound, for every row, on the error of any entry of `x @ weight.T + bias` in `dtype`."""
    if dtype == torch.int8:
        (rows, row_steps), (latents, latent_steps) = _norms_and_steps(x), _of_weight(weight)
        return _of_integers(rows, row_steps, latents.max(), latent_steps.max())
    widest = _longest_row(weight)
    errors: Tensor = (x.norm(dim=1) * widest + bias.abs().max()) * _RELATIVE[dtype]
    return errors


def latent_errors(
    x: Float[Tensor, "rows d"],
    weight: Float[Tensor, "width d"],
    bias: Float[Tensor, " width"],
    dtype: torch.dtype,
) -> Float[Tensor, " width"]:
    """Bound, for every latent, on the error of any entry of `x @ weight.T + bias` in `dtype`."""
    if dtype == torch.int8:
        (rows, row_steps), (latents, latent_steps) = _norms_and_steps(x), _of_weight(weight)
        return _of_integers(rows.max(), row_steps.max(), latents, latent_steps)
    longest = x.norm(dim=1).max()
    errors: Tensor = (longest * weight.norm(dim=1) + bias.abs()) * _RELATIVE[dtype]
    return errors


def _norms_and_steps(x: Tensor) -> tuple[Tensor, Tensor]:
    """Norm of every row, and the quantisation step of its 8-bit integers."""
    norms, largest = loops.norms_and_maxima(x.detach().float().contiguous().numpy())
    return torch.from_numpy(norms), torch.from_numpy(largest) / 127


def _of_weight(weight: Tensor) -> tuple[Tensor, Tensor]:
    """`_norms_and_steps` of a weight, whose integers selection needs too."""
    if not in_panels(weight.shape[0]):
        return _norms_and_steps(weight)
    integers = quantised(weight, keep=True)
    norms, scales = (part[: integers.width] for part in (integers.norms, integers.scales))
    return torch.from_numpy(norms), torch.from_numpy(scales)


def _of_integers(x: Tensor, x_step: Tensor, weight: Tensor, weight_step: Tensor) -> Tensor:
    return _DEVIATIONS * torch.hypot(x_step * weight, weight_step * x)
