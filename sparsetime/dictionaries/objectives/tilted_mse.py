"""Tilted reconstruction error, which weighs the worst rows most."""

from __future__ import annotations

import math
from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError


@final
@component("tilted_mse")
class TiltedMSE(Term):
    """Tilted empirical risk of the rows' squared errors.

        loss = log(mean_n exp(tilt · ||x_n - x̂_n||²)) / tilt

    As tilt → 0 it is the mean, as tilt → ∞ the largest error: rare rows with large errors count
    for more. Errors are in units of the variance of the activations.

    Source: Li et al. 2021, Tilted Empirical Risk Minimization, arXiv:2007.01162; used for
    dictionaries by Muhamed et al. 2024, arXiv:2411.00743.
    """

    is_reconstruction = True
    latent_tensors = frozenset()

    def __init__(self, tilt: float = 1.0, weight: float = 1.0) -> None:
        if tilt <= 0:
            raise ConfigError(f"got tilt={tilt}, expected a number above 0; for no tilt take 'mse'")
        super().__init__(tilt=tilt, weight=weight)
        self.tilt = tilt

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        errors = (step.reconstruction - step.target).square().sum(1)
        return ((self.tilt * errors).logsumexp(0) - math.log(len(errors))) / self.tilt
