"""L0 term: distance of the mean number of active latents from a target."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, of_class
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.jump_base import JumpBase
from sparsetime.errors import ConfigError


@final
@component("l0", example={"target": 4.0})
class L0(Term):
    """Squared relative distance of the mean number of active latents from a target.

        loss = (mean_n ||z_n||_0 / target - 1)²

    The count is not differentiable; the sparsifier supplies a straight-through gradient. With a
    target in place of a penalty weight, the requested L0 is the L0 of the result.

    Source: Rajamanoharan et al. 2024, Jumping Ahead: Improving Reconstruction Fidelity with
    JumpReLU Sparse Autoencoders, arXiv:2407.14435.
    """

    is_sparsity_penalty = True
    latent_tensors = frozenset()
    divides_rows = True

    def __init__(self, target: float, weight: float = 1.0) -> None:
        if target <= 0:
            raise ConfigError(
                f"got target={target}, expected a mean number of active latents above 0"
            )
        super().__init__(target=target, weight=weight)
        self.target = target

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.sparsifier.innermost, JumpBase):
            return None
        return (
            f"got the sparsifier {composition.sparsifier.kind!r}, expected one whose count of "
            "active latents has a gradient, as the term 'l0' requires; take 'jumprelu'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        sparsifier = of_class(step.sparsifier.innermost, JumpBase)  # type: ignore[type-abstract]
        active = sparsifier.is_on(step.pre, step.support.indices)
        return (step.per_row(active.sum()) / self.target - 1).square()
