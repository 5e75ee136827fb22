"""Split of a dictionary's error into a part that is linear in the activation, and the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import DataError
from sparsetime.features.encoding import device_of
from sparsetime.metrics.evaluation_data import EvaluationContext, EvaluationData, Gather
from sparsetime.metrics.metric import Metric, MetricSpec
from sparsetime.statistics.estimate import Estimate, estimate, ratio

if TYPE_CHECKING:
    from sparsetime.features.encoding import EncodedSequence

RIDGE = 0.01
_MOST_ROWS = 16_384
_SOURCE = (
    "Engels, Riggs and Tegmark 2024, Decomposing the dark matter of sparse autoencoders, "
    "arXiv:2410.14670"
)


@final
@dataclass(frozen=True, eq=False)
class ErrorSplit:
    """A linear map from activations to the error of a dictionary.

    slope: [d, m]; intercept: [m]. m is d for the error itself, 1 for its squared norm.
    """

    slope: Float[Tensor, "d m"]
    intercept: Float[Tensor, " m"]

    def linear_part(self, x: Float[Tensor, "rows d"]) -> Float[Tensor, "rows m"]:
        """What the map predicts; the error less this is the nonlinear part."""
        return (x.double() @ self.slope + self.intercept).to(x.dtype)


def fit_error_split(
    x: Float[Tensor, "rows d"], error: Float[Tensor, "rows m"], ridge: float = RIDGE
) -> ErrorSplit:
    """Ridge regression of the error, or of its squared norm, on activations.

        W = (X'X + a I)^-1 X'E,   a = ridge * trace(X'X) / d

    X and E are centred, in float64. Source: Engels, Riggs and Tegmark 2024, arXiv:2410.14670, with
    a ridge so that few rows suffice.

    Errors: DataError for fewer than two rows a dimension, which a map would fit by rote.
    """
    rows, d = x.shape
    if rows < 2 * d:
        raise DataError(
            f"got {rows} rows of {d} dimensions to fit the linear part of the error, expected at "
            f"least {2 * d}; give more steps"
        )
    exact, target = x.double(), error.double()
    mean, mean_error = exact.mean(0), target.mean(0)
    centred = exact - mean
    gram = centred.T @ centred
    gram.diagonal().add_(ridge * gram.trace() / d + torch.finfo(torch.float64).tiny)
    slope = torch.linalg.solve(gram, centred.T @ (target - mean_error))
    return ErrorSplit(slope, mean_error - mean @ slope)


def unexplained(
    split: ErrorSplit, x: Float[Tensor, "rows d"], error: Float[Tensor, "rows m"]
) -> tuple[Float[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Squared error of the prediction on each row, and squared distance from the mean error."""
    target = error.double()
    residual = target - split.linear_part(x.double())
    around = target - target.mean(0)
    return residual.square().sum(1).numpy(), around.square().sum(1).numpy()


@final
class ErrorRows(Gather):
    """Activations and errors of evenly spaced steps, at most 16,384 of all sequences."""

    def __init__(self, context: EvaluationContext) -> None:
        self._sae = context.sae
        self._groups = context.groups
        self._every = max(1, -(-len(context.store) // _MOST_ROWS))
        self._seen = 0
        self._x: list[Tensor] = []
        self._errors: dict[str, list[Tensor]] = {group.name: [] for group in context.groups}
        self._places: list[Int[np.ndarray, " rows"]] = []
        self._sequences = 0

    def update(self, sequence: EncodedSequence, group: int) -> None:
        if self._sae.out_dims is not None:
            return
        steps = len(sequence.activations)
        chosen = np.arange(-self._seen % self._every, steps, self._every)
        self._seen += steps
        if len(chosen):
            x = sequence.activations[chosen].float()
            device = device_of(self._sae)
            for latents in self._groups:
                code = latents.of(sequence.code).to(device)
                with torch.no_grad():
                    made = self._sae.reconstruct(code, sequence.activations.float().to(device))
                self._errors[latents.name].append(x - made.cpu()[chosen])
            self._x.append(x)
            self._places.append(np.full(len(chosen), self._sequences))
        self._sequences += 1

    def halves(self, name: str) -> tuple[Tensor, Tensor, Int[np.ndarray, " rows"]]:
        """Activations, errors of a group of latents, and the number of each row's sequence."""
        if not self._x:
            raise DataError(
                "the dictionary reconstructs another site than the one it reads, and the store "
                "holds the one it reads alone"
            )
        return torch.cat(self._x), torch.cat(self._errors[name]), np.concatenate(self._places)


def error_r2(data: EvaluationData) -> Estimate:
    """R2 of the error, predicted from the activation by a linear map on other sequences.

    error_r2 = 1 - sum ||e_t - W x_t - b||^2 / sum ||e_t - mean(e)||^2, with e_t = x_t - x_hat_t.

    The map is fitted on every other sequence and scored on the rest. Intervals resample sequences.
    Errors: DataError for one sequence, few steps, or a dictionary that writes to another site.
    """
    x, error, place = data.of(ErrorRows).halves(data.group.name)
    return _r2(x, error, place, data.context.seed)


def error_norm_r2(data: EvaluationData) -> Estimate:
    """R2 of the squared norm of the error, predicted as `error_r2`. Errors: as there."""
    x, error, place = data.of(ErrorRows).halves(data.group.name)
    return _r2(x, error.double().square().sum(1, keepdim=True), place, data.context.seed)


def _r2(x: Tensor, target: Tensor, place: Int[np.ndarray, " rows"], seed: int) -> Estimate:
    names, number = np.unique(place, return_inverse=True)
    fitted = number % 2 == 0
    if len(names) < 2:
        raise DataError("got one sequence, expected two: the map is fitted on others than scored")
    split = fit_error_split(x[fitted], target[fitted])
    residual, around = unexplained(split, x[~fitted], target[~fitted])
    if not around.sum():
        raise DataError("the error does not vary, so there is nothing to predict")
    group = number[~fitted] // 2
    residuals, arounds = (np.bincount(group, weights=part) for part in (residual, around))
    return estimate(
        lambda weights: 1 - ratio(weights @ residuals, weights @ arounds),
        len(residuals),
        0.0,
        "the mean error",
        seed,
    )


def _spec(name: str, what: str, equation: str) -> MetricSpec:
    return MetricSpec(
        name,
        f"{what}, predicted from the activation by a linear map that is fitted on every other "
        f"sequence and scored on the rest",
        equation,
        "1 (linear in the activation) to 0 (no better than its mean), or below",
        _SOURCE,
        "what a nonlinear map would predict; what the model does with either part",
    )


ERROR = (
    Metric(
        _spec(
            "error_r2",
            "share of the variance of the error x - x_hat",
            "error_r2 = 1 - sum_t ||e_t - W x_t - b||^2 / sum_t ||e_t - mean(e)||^2",
        ),
        error_r2,
        (ErrorRows,),
        is_fitted=True,
    ),
    Metric(
        _spec(
            "error_norm_r2",
            "share of the variance of the squared norm of the error x - x_hat",
            "error_norm_r2 = 1 - sum_t (||e_t||^2 - w.x_t - b)^2 / sum_t (||e_t||^2 - mean)^2",
        ),
        error_norm_r2,
        (ErrorRows,),
        is_fitted=True,
    ),
)
