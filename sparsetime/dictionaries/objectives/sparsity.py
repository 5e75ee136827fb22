"""How much of the code is on."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.part import part
from sparsetime.dictionaries.sparsifiers import JumpReLU
from sparsetime.dictionaries.step import Step
from sparsetime.errors import ConfigError


@part("l1")
class L1(Term):
    """Sum of strengths, mean over rows; atoms have unit norm, so none can hide behind its length.

    Source: Bricken et al. 2023, Towards Monosemanticity.
    """

    def __init__(self, weight: float) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def loss(self, step: Step) -> Float[Tensor, ""]:
        return step.values.abs().sum() / step.x.shape[0]


@part("l0")
class L0(Term):
    """Squared relative distance of the mean count of active latents from a target.

    The count is not differentiable; the sparsifier gives it a straight-through gradient. With a
    target instead of a pressure, the L0 that is wanted is the L0 that comes out (Rajamanoharan
    et al. 2024, arXiv:2407.14435).
    """

    def __init__(self, target: float, weight: float = 1.0) -> None:
        if target <= 0:
            raise ConfigError(f"the target L0 must be positive; given: {target}")
        super().__init__(target=target, weight=weight)
        self.target, self.weight = target, weight

    def loss(self, step: Step) -> Float[Tensor, ""]:
        sparsifier = step.dictionary.sparsifier
        if not isinstance(sparsifier, JumpReLU):
            raise ConfigError(
                f"the l0 term needs a sparsifier with a straight-through count (jumprelu); "
                f"this dictionary has {sparsifier.kind!r}"
            )
        on = sparsifier.is_on(step.pre, step.support.indices)
        return (on.sum() / step.x.shape[0] / self.target - 1).square()
