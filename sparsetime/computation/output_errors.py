"""Relative error of the output of each thinned matrix, on the inputs of the dense model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from sparsetime.computation.input_statistics import input_rows
from sparsetime.computation.model_data import model_batches, run_batch
from sparsetime.computation.sparse import Sparse
from sparsetime.computation.thinned_weights import ThinnedWeights
from sparsetime.errors import ConfigError
from sparsetime.models.eval_mode import eval_mode


def output_errors(sparse: Sparse, data: Any) -> dict[str, float]:
    """By matrix, the error of its output relative to the output, without the bias.

        error = sum over rows of |(W' - W) x|^2 / sum of |W x|^2

    x: the rows that the matrix multiplies in the dense model, so that errors of earlier layers take
    no part. It shows where masks cost most, and not what the model's loss does.

    Errors: ConfigError without a plan of weights, and as `input_statistics`.
    """
    plans = [plan for plan in sparse.plans if isinstance(plan, ThinnedWeights)]
    if not plans:
        raise ConfigError("got a model without a plan of weights; call sparsify first")
    thinned = {
        matrix.target.key: (matrix.target, matrix.target.parameter.detach().clone())
        for plan in plans
        for matrix in plan.matrices
    }
    sums: dict[str, list[float]] = {key: [0.0, 0.0] for key in thinned}

    def recorder(key: str) -> Callable[..., None]:
        target, values = thinned[key]
        change = target.matrix(values - target.parameter.detach()).float()
        dense = target.matrix(target.parameter.detach()).float()

        def record(module: nn.Module, args: tuple[Any, ...]) -> None:
            rows = input_rows(target, args[0].detach()).float()
            for place, weight in enumerate((change, dense)):
                sums[key][place] += _squares(rows @ weight.T)

        return record

    with sparse.suspended(), eval_mode(sparse.model):
        handles = [
            target.module.register_forward_pre_hook(recorder(key))
            for key, (target, _) in thinned.items()
        ]
        try:
            for batch in model_batches(sparse.loaded, data):
                run_batch(sparse.model, batch)
        finally:
            for handle in handles:
                handle.remove()
    return {key: error / output if output else 0.0 for key, (error, output) in sums.items()}


def _squares(x: Tensor) -> float:
    return float(x.double().square().sum())
