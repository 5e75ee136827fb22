"""The largest sparsity within a budget of perplexity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from torch import nn

from sparsetime.computation.loss_increase import losses_of
from sparsetime.computation.model_data import model_batches
from sparsetime.computation.named_plan import PlanLike
from sparsetime.computation.sparse import Sparse
from sparsetime.errors import ConfigError
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel


@final
@dataclass(frozen=True)
class BoundedSparsity:
    """The largest sparsity whose perplexity is within the budget.

    sparsity: that was reached on the data. perplexity: with it; dense_perplexity: without.
    """

    sparsity: float
    perplexity: float
    dense_perplexity: float

    @property
    def percent(self) -> float:
        """How much larger the perplexity is, in percent."""
        return 100 * (self.perplexity / self.dense_perplexity - 1)


def bounded_sparsity(
    model: str | Path | nn.Module | LoadedModel,
    method: PlanLike = "output_magnitude",
    *,
    data: Any,
    percent: float = 1.0,
    steps: int = 10,
    seed: int = 0,
    **settings: Any,
) -> BoundedSparsity:
    """The sparsity of a method at which the perplexity has risen by `percent`, by bisection.

        PPL-p% sparsity = largest s with PPL(s) <= (1 + p / 100) PPL(0)

    It compares models of any activation function by one number. The model is as before afterwards.
    data: for calibration and for the perplexity, as in `sparsify`. steps: of the bisection, after
    which the sparsity is known to 2^-steps.

    Source: Luo et al. 2024, Sparsing Law: Towards Large Language Models with Greater Activation
    Sparsity, section 4 (PPL-p%).

    Errors: those of `sparsify`; ConfigError for a budget that is not above 0.
    """
    if not percent > 0 or steps < 1:
        raise ConfigError(f"got percent={percent} and steps={steps}, expected both above 0")
    loaded = load_causal_model(model)
    batches = model_batches(loaded, data)
    dense = float(np.mean(losses_of(loaded.model, batches)))
    low, high, found = 0.0, 1.0, (0.0, dense)
    for _ in range(steps):
        middle = (low + high) / 2
        sparse = Sparse(loaded).then(method, sparsity=middle, data=data, seed=seed, **settings)
        try:
            loss = float(np.mean(losses_of(loaded.model, batches)))
            rows = sparse.report().matrices
        finally:
            sparse.dense()
        reached = 1 - sum(row.kept for row in rows) / sum(row.entries for row in rows)
        if loss <= dense + math.log1p(percent / 100):
            low, found = middle, (reached, loss)
        else:
            high = middle
    return BoundedSparsity(found[0], math.exp(found[1]), math.exp(dense))
