"""How many latents are on."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, of_class
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.jumprelu import JumpReLU
from sparsetime.errors import ConfigError


@final
@component("l0", example={"target": 4.0})
class L0(Term):
    """Squared relative distance of the mean count of active latents from a target.

    The count is not differentiable; the sparsifier gives it a straight-through gradient. With a
    target instead of a pressure, the L0 that is wanted is the L0 that comes out (Rajamanoharan
    et al. 2024, arXiv:2407.14435).
    """

    is_sparsity_penalty = True

    def __init__(self, target: float, weight: float = 1.0) -> None:
        if target <= 0:
            raise ConfigError(f"the target L0 must be positive; given: {target}")
        super().__init__(target=target, weight=weight)
        self.target, self.weight = target, weight

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.sparsifier.innermost, JumpReLU):
            return None
        return (
            "the l0 term needs a sparsifier with a straight-through count (jumprelu); "
            f"this dictionary has {composition.sparsifier.kind!r}"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        sparsifier = of_class(step.sparsifier.innermost, JumpReLU)
        on = sparsifier.is_on(step.pre, step.support.indices)
        return (on.sum() / step.x.shape[0] / self.target - 1).square()
