"""Linear models on frozen vectors: a class, and the values that follow."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

_PENALTIES = (1e-1, 1.0, 1e1, 1e2, 1e3)


def probe_accuracy(
    train: Float[Tensor, "train d"],
    train_labels: Int[Tensor, " train"],
    test: Float[Tensor, "test d"],
    test_labels: Int[Tensor, " test"],
) -> float:
    """Share of test rows whose class a logistic regression on standardised columns gives."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = train.mean(0), train.std(0, correction=0).clamp_min(1e-6)
    model = LogisticRegression(max_iter=300)
    model.fit(((train - mean) / spread).numpy(), train_labels.numpy())
    guess = model.predict(((test - mean) / spread).numpy())
    return float(np.mean(guess == test_labels.numpy()))


def ridge_error(
    train: Float[Tensor, "train d"],
    train_values: Float[Tensor, "train values"],
    test: Float[Tensor, "test d"],
    test_values: Float[Tensor, "test values"],
) -> float:
    """Mean square error of a ridge regression, whose penalty a fifth of the training rows choose.

    The last fifth; the chosen penalty is fitted on all training rows.
    """
    mean, spread = train.mean(0), train.std(0, correction=0).clamp_min(1e-6)
    x, x_test = (train - mean) / spread, (test - mean) / spread
    cut = len(x) - len(x) // 5
    errors = [
        _ridge(x[:cut], train_values[:cut], x[cut:], train_values[cut:], penalty)
        for penalty in _PENALTIES
    ]
    best = _PENALTIES[int(np.argmin(errors))]
    return _ridge(x, train_values, x_test, test_values, best)


@torch.no_grad()
def _ridge(x: Tensor, y: Tensor, x_test: Tensor, y_test: Tensor, penalty: float) -> float:
    x, y, x_test = x.double(), y.double(), x_test.double()
    centre = y.mean(0)
    gram = x.T @ x + penalty * torch.eye(x.shape[1], dtype=x.dtype)
    weights = torch.linalg.solve(gram, x.T @ (y - centre))
    return float((x_test @ weights + centre - y_test).square().mean())
