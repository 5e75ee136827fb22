"""KL divergence of sampled activation values from a standard normal prior."""

from __future__ import annotations

from typing import final

from jaxtyping import Float
from torch import Tensor

from sparsetime.components import component
from sparsetime.dictionaries.composition import Composition
from sparsetime.dictionaries.forward_pass import ForwardPass, of_class
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.sparsifiers.variational_top_k import VariationalTopK


@final
@component("gaussian_kl")
class GaussianKL(Term):
    """KL divergence of the kept latents' Gaussians from the standard normal, in nats per row.

        loss = 1 / (2n) · Σ_{row, kept i} (mu_i² + sigma_i² - ln sigma_i² - 1),    mu = relu(pre)

    Latents that are not kept are not sampled and cost nothing, so the sum runs over selected
    entries.

    Source: Kingma and Welling 2014, Auto-Encoding Variational Bayes, for the formula; Baker and Li
    2025, arXiv:2509.22994, for its use on a sparse code.
    """

    undivided = "its sparsifier draws one noise for the entries of all latents in their order"

    def __init__(self, weight: float = 1e-3) -> None:
        super().__init__(weight=weight)

    def incompatibility(self, composition: Composition) -> str | None:
        if isinstance(composition.sparsifier.innermost, VariationalTopK):
            return None
        return (
            f"got the sparsifier {composition.sparsifier.kind!r}, expected one that samples "
            f"activation values, for the term {self.kind!r}; take 'variational_top_k'"
        )

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        sparsifier = of_class(step.sparsifier.innermost, VariationalTopK)
        log_deviation = sparsifier.log_deviation[step.support.indices]
        squares = step.pre.relu().square() + (2 * log_deviation).exp()
        return (squares - 2 * log_deviation - 1).sum() / (2 * step.x.shape[0])
