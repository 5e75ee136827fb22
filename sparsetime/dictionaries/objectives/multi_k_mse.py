"""Reconstruction error by the largest latents of each row, for several numbers of latents."""

from __future__ import annotations

from itertools import pairwise
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import kernels
from sparsetime.codes import offsets_of
from sparsetime.components import component
from sparsetime.dictionaries.forward_pass import ForwardPass
from sparsetime.dictionaries.objectives.term import Term
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support


@final
@component("budget_mse", example={"budgets": [1, 2]})
class MultiKMSE(Term):
    """Squared error of reconstructions by each row's b largest latents, averaged over budgets b.

        loss = Σ_b w_b · mean_n ||x_n - x̂_n^(b)||²,    Σ_b w_b = 1

    x̂^(b) uses the b largest values of the row; the whole code is always the last budget.

    budgets: ascending numbers of latents. emphasis: relative weights of the budgets and of the
    whole code, one number more than there are budgets; None weighs all alike.

    Source: Balagansky et al. 2025, Train One Sparse Autoencoder Across Multiple Sparsity Budgets
    to Preserve Interpretability and Accuracy, arXiv:2505.24473 (all budgets up to k); Zaigrajew et
    al. 2025, Interpreting CLIP with Hierarchical Sparse Autoencoders, arXiv:2502.20578 (each
    budget twice the one before).
    """

    is_reconstruction = True

    undivided = "it ranks the entries of a row over all latents"

    def __init__(
        self,
        budgets: tuple[int, ...] | list[int],
        emphasis: tuple[float, ...] | list[float] | None = None,
        weight: float = 1.0,
    ) -> None:
        ends = list(budgets)
        if not ends or ends[0] < 1 or any(a >= b for a, b in pairwise(ends)):
            raise ConfigError(
                f"got budgets={ends}, expected ascending numbers of latents, the first at least 1; "
                "for the whole code alone take the term 'mse'"
            )
        shares = None if emphasis is None else list(emphasis)
        if shares is not None and (len(shares) != len(ends) + 1 or min(shares) <= 0):
            raise ConfigError(
                f"got emphasis={shares}, expected a positive number for each of the {len(ends)} "
                "budgets and one for the whole code"
            )
        super().__init__(budgets=ends, emphasis=shares, weight=weight)
        self.budgets, self.emphasis = ends, shares

    def loss(self, step: ForwardPass) -> Float[Tensor, ""]:
        errors = (self.reconstructions(step) - step.target[:, None]).square().sum(2).mean(0)
        if self.emphasis is None:
            return errors.mean()
        shares = errors.new_tensor(self.emphasis)
        return errors @ (shares / shares.sum())

    def reconstructions(self, step: ForwardPass) -> Float[Tensor, "rows budgets d"]:
        """Reconstructions by each row's largest latents, for every budget, and by all latents.

        Every entry is decoded once, into the difference between its budget and the one before.
        """
        support, levels = step.support, len(self.budgets) + 1
        ends = torch.tensor(self.budgets, device=support.indices.device)
        level = torch.bucketize(kernels.row_ranks(step.values.abs(), support), ends, right=True)
        segment, order = (support.row_of_entry * levels + level).sort(stable=True)
        finer = Support(
            offsets_of(segment, support.rows * levels), support.indices[order], support.width
        )
        added = kernels.decode(step.values[order], finer, step.decoder.vectors())
        summed = added.reshape(support.rows, levels, -1).cumsum(1) + step.decoder.bias
        if step.skip is None:
            return summed
        return summed + step.skip.predict(step.encoder_input)[:, None]
