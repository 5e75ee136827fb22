"""How far drawn strengths are from a standard normal prior."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, of_class
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.variational_top_k import VariationalTopK


@final
@component("gaussian_kl")
class GaussianKL(Term):
    """Divergence of every kept latent's Gaussian from the standard normal, in nats a row.

    Latents that are off are not drawn and cost nothing, so that the term stays on the selected
    places.

    Source: Kingma and Welling 2014 for the formula; Baker and Li 2025, arXiv:2509.22994, for its
    use on a sparse code.
    """

    def __init__(self, weight: float = 1e-3) -> None:
        super().__init__(weight=weight)
        self.weight = weight

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.sparsifier.innermost, VariationalTopK):
            return None
        return (
            f"the term {self.kind!r} needs strengths that are drawn and the sparsifier "
            f"{composition.sparsifier.kind!r} has none: take 'variational_top_k'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        sparsifier = of_class(step.sparsifier.innermost, VariationalTopK)
        log_deviation = sparsifier.log_deviation[step.support.indices]
        squares = step.pre.relu().square() + (2 * log_deviation).exp()
        return (squares - 2 * log_deviation - 1).sum() / (2 * step.x.shape[0])
