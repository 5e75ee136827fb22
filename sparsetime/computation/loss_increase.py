"""Increase in the loss of a model by its plans, paired by document, with an interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from sparsetime.computation.model_data import ModelBatch, model_batches
from sparsetime.computation.model_loss import LossFunction, sequence_losses
from sparsetime.computation.sparse import Sparse
from sparsetime.models.eval_mode import eval_mode
from sparsetime.statistics.estimate import Estimate, bootstrap_groups, estimate, ratio_of


def loss_increase(
    sparse: Sparse, data: Any, loss: LossFunction | None = None, seed: int = 0
) -> Estimate:
    """Increase in the loss by the plans of a model, on the same data with and without them.

        increase = mean over sequences of loss(sparse) - loss(dense)

    In nats for tokens and classes. Differences are taken document by document, so that the spread
    of difficulty among documents cancels; the interval resamples documents. details: `dense` and
    `sparse`, the losses; `documents`.

    data, loss: as in `sparsify`. It does not show which tokens or classes lost most.

    Errors: those of `model_batches` and `sequence_losses`; ConfigError where weights were trained
    since they were thinned, so that there is no dense model to compare with.
    """
    batches = model_batches(sparse.loaded, data)
    documents = np.concatenate([np.asarray(batch.documents) for batch in batches])
    with sparse.suspended():  # first, since it refuses trained weights
        dense = losses_of(sparse.model, batches, loss)
    thinned = losses_of(sparse.model, batches, loss)
    groups = bootstrap_groups(int(documents.max()) + 1)[documents]
    count = int(groups.max()) + 1
    rise = np.bincount(groups, thinned - dense, minlength=count)
    sequences = np.bincount(groups, minlength=count).astype(float)
    found = estimate(ratio_of(rise, sequences), count, seed=seed)
    details = {
        "dense": float(dense.mean()),
        "sparse": float(thinned.mean()),
        "documents": len(np.unique(documents)),
    }
    return Estimate(found.value, found.interval, details=details)


@torch.no_grad()
def losses_of(
    model: nn.Module, batches: list[ModelBatch], loss: LossFunction | None = None
) -> Float[np.ndarray, " sequences"]:
    """The loss of each sequence, in evaluation mode."""
    with eval_mode(model):
        parts = [sequence_losses(model, batch, loss).double().cpu().numpy() for batch in batches]
    return np.concatenate(parts)
