"""Statistics of the rows that weight matrices multiply, over calibration data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.computation.model_data import ModelBatch, run_batch
from sparsetime.computation.weight_matrices import WeightMatrix
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.eval_mode import eval_mode


@final
@dataclass(frozen=True)
class InputStatistics:
    """Sums over the rows x that a matrix multiplies, in float64.

    rows: how many. total: sum of x [in]. squares: sum of x^2 [in].
    """

    rows: int
    total: Float[Tensor, " in"]
    squares: Float[Tensor, " in"]

    @property
    def norm(self) -> Float[Tensor, " in"]:
        """Euclidean norm of each input over the rows, in float32."""
        return self.squares.sqrt().float()

    @property
    def mean(self) -> Float[Tensor, " in"]:
        return (self.total / self.rows).float()

    @property
    def variance(self) -> Float[Tensor, " in"]:
        return (self.squares / self.rows - (self.total / self.rows).square()).clamp_min(0).float()


def input_statistics(
    model: nn.Module, matrices: Sequence[WeightMatrix], batches: Sequence[ModelBatch]
) -> dict[str, InputStatistics]:
    """Statistics of the inputs of each matrix, by its key, over some batches.

    Convolutions are read patch by patch, as their flattened matrix multiplies them.

    Errors: ConfigError for a matrix whose inputs cannot be read by a hook, and for a module that
    the model never calls; DataError for inputs that are not finite.
    """
    sums: dict[str, tuple[int, Tensor, Tensor]] = {}

    def recorder(matrix: WeightMatrix) -> Callable[..., None]:
        def record(module: nn.Module, args: tuple[Any, ...]) -> None:
            rows = input_rows(matrix, args[0].detach()).double()
            count, total, squares = sums.get(matrix.key, (0, 0.0, 0.0))
            total, squares = total + rows.sum(0), squares + rows.square().sum(0)
            sums[matrix.key] = count + len(rows), total, squares

        return record

    for matrix in matrices:
        if matrix.name != "weight":
            raise ConfigError(
                f"got {matrix.key} of a {type(matrix.module).__name__}, whose inputs no hook "
                "reads, expected linear or convolutional modules for a score of inputs; name other "
                "sites, or use a score of weights alone, such as magnitude"
            )
    handles = [m.module.register_forward_pre_hook(recorder(m)) for m in matrices]
    try:
        with eval_mode(model):
            for batch in batches:
                run_batch(model, batch)
    finally:
        for handle in handles:
            handle.remove()
    for matrix in matrices:
        if matrix.key not in sums:
            raise ConfigError(
                f"got {matrix.key}, whose module the model never calls on this data, expected a "
                "module that is called; leave it out of sites"
            )
        if not bool(torch.isfinite(sums[matrix.key][2]).all()):
            raise DataError(
                f"got inputs of {matrix.key} that are not finite; check the data and the weights"
            )
    return {key: InputStatistics(*values) for key, values in sums.items()}


def input_rows(matrix: WeightMatrix, x: Tensor) -> Float[Tensor, "rows in"]:
    """The rows that a matrix multiplies, from its module's input: of a convolution, its patches.

    Errors: ConfigError for a convolution with groups, or with padding that is not in numbers.
    """
    module = matrix.module
    if matrix.reads_rows:
        return x.reshape(-1, x.shape[-1])
    if not isinstance(module, nn.Conv1d | nn.Conv2d) or module.groups != 1:
        raise ConfigError(
            f"got {matrix.key} of a {type(module).__name__} with groups, expected an ungrouped "
            "Conv1d or Conv2d for a score of inputs; name other sites or another score"
        )
    padding: Any = module.padding
    if isinstance(padding, str):
        raise ConfigError(
            f"got {matrix.key} with padding={padding!r}, expected padding in numbers for a score "
            "of inputs; name other sites or another score"
        )
    if isinstance(module, nn.Conv1d):
        x = x[:, :, None]
        kernel, stride, pad, dilation = (
            (one, *pair) for one, pair in zip((1, 1, 0, 1), _sizes(module), strict=True)
        )
    else:
        kernel, stride, pad, dilation = _sizes(module)
    patches = nn.functional.unfold(x, kernel, dilation, pad, stride)
    return patches.transpose(1, 2).reshape(-1, patches.shape[1])


def _sizes(module: nn.Conv1d | nn.Conv2d) -> tuple[Any, Any, Any, Any]:
    return module.kernel_size, module.stride, module.padding, module.dilation
