"""How far the strongest few latents alone are from the activation, for several numbers of them."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.codes import offsets_of
from sparsetime.dictionaries.component import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.dictionaries.row_ranks import ranks
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


@final
@component("budget_mse", example={"budgets": [1, 2]})
class MultiKMSE(Term):
    """The squared error of the reconstruction by each row's b strongest latents, averaged over the
    `budgets` b and the whole code, which is always the last.

    `emphasis`: how much each budget and the whole code count, one number more than there are
    budgets; None counts all alike.

    Sources: Balagansky et al. 2025, Train One Sparse Autoencoder Across Multiple Sparsity Budgets
    to Preserve Interpretability and Accuracy, arXiv:2505.24473 (all budgets up to k); Zaigrajew
    et al. 2025, Interpreting CLIP with Hierarchical Sparse Autoencoders, arXiv:2502.20578 (each
    budget twice the one before).
    """

    is_reconstruction = True

    def __init__(
        self,
        budgets: tuple[int, ...] | list[int],
        emphasis: tuple[float, ...] | list[float] | None = None,
        weight: float = 1.0,
    ) -> None:
        ends = list(budgets)
        if not ends or ends[0] < 1 or any(a >= b for a, b in pairwise(ends)):
            raise ConfigError(
                f"budgets are ascending numbers of latents, the first at least 1; given: {ends}. "
                "For the whole code alone take the term 'mse'"
            )
        shares = None if emphasis is None else list(emphasis)
        if shares is not None and (len(shares) != len(ends) + 1 or min(shares) <= 0):
            raise ConfigError(
                f"emphasis has a positive number for each of the {len(ends)} budgets and one for "
                f"the whole code; given: {shares}"
            )
        super().__init__(budgets=ends, emphasis=shares, weight=weight)
        self.budgets, self.emphasis, self.weight = ends, shares, weight

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        errors = (self.reconstructions(step) - step.target[:, None]).square().sum(2).mean(0)
        if self.emphasis is None:
            return errors.mean()
        shares = errors.new_tensor(self.emphasis)
        return errors @ (shares / shares.sum())

    def reconstructions(self, step: ForwardPass) -> Float[Tensor, "rows budgets d"]:
        """By each row's strongest latents, for every budget, and by all of them.

        Every entry is decoded once, into what its budget adds to the one before.
        """
        support, levels = step.support, len(self.budgets) + 1
        ends = torch.tensor(self.budgets, device=support.indices.device)
        level = torch.bucketize(ranks(step.values.abs(), support), ends, right=True)
        segment, order = (support.row_of_entry * levels + level).sort(stable=True)
        finer = Support(
            offsets_of(segment, support.rows * levels), support.indices[order], support.width
        )
        added = kernels.decode(step.values[order], finer, step.decoder.vectors())
        whole = added.reshape(support.rows, levels, -1).cumsum(1) + step.decoder.bias
        if step.skip is None:
            return whole
        return whole + step.skip.predict(step.encoder_input)[:, None]
