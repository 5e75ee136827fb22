"""Sparse.compile: the fastest execution of each thinned map, measured beside dense ones."""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.computation.executions.execution import Execution
from sparsetime.computation.masked_matrix import MaskedMatrix
from sparsetime.errors import ConfigError, DataError
from sparsetime.models.eval_mode import eval_mode

_TOLERANCE = 1e-4  # of the largest output


@final
@dataclass(frozen=True)
class CompiledMap:
    """A linear map and the seconds of each of its executions.

    chosen: the fastest that gives the result of the masked matrix. seconds: median of a call, by
    execution; left_out: why others cannot compute this mask.
    """

    name: str
    chosen: str
    seconds: Mapping[str, float]
    left_out: Mapping[str, str]

    def speed_up(self, over: str = "dense") -> float:
        """How many times faster the chosen execution is than another."""
        return self.seconds[over] / self.seconds[self.chosen]


@final
@dataclass(frozen=True, eq=False)
class CompiledCopy:
    """A copy of a model for inference, in which thinned maps are replaced; for a batch size.

    model: the copy. maps: by matrix, what was measured.
    """

    model: nn.Module
    maps: tuple[CompiledMap, ...]
    batch: int

    def __str__(self) -> str:
        lines = []
        for one in self.maps:
            fastest = min(one.seconds, key=one.seconds.__getitem__)
            times = ", ".join(f"{name} {1e6 * s:.0f} us" for name, s in one.seconds.items())
            note = "" if fastest == one.chosen else f"; {fastest} would be fastest, and is rounded"
            lines.append(f"{one.name}: {one.chosen} at batch {self.batch} ({times}){note}")
        return "\n".join(lines)


def compiled(
    model: nn.Module, matrices: list[MaskedMatrix], batch: int, repeats: int = 30
) -> CompiledCopy:
    """Measure each execution of each map, and put the fastest exact one into a copy of the model.

    Executions take turns within one loop, so that a busy machine slows all alike; the median
    counts. Each exact one is compared with the masked matrix before it is timed.

    Errors: ConfigError for a model on another device than the CPU or in another precision than
    float32, without a thinned linear map, or a batch below 1; DataError for an execution whose
    result differs.
    """
    if batch < 1 or repeats < 1:
        raise ConfigError(f"got batch={batch} and repeats={repeats}, expected at least 1 of each")
    linear = [matrix for matrix in matrices if isinstance(matrix.target.module, nn.Linear)]
    if not linear:
        raise ConfigError(
            "got no thinned Linear module to compile, expected at least one; thin weights first"
        )
    if any(matrix.target.parameter.device.type != "cpu" for matrix in linear):
        raise ConfigError(
            "got a model on a GPU, expected one on the CPU, whose executions are compared here; "
            "move it with model.cpu()"
        )
    for matrix in linear:
        if matrix.target.parameter.dtype != torch.float32:
            raise ConfigError(
                f"got {matrix.target.key} in {str(matrix.target.parameter.dtype)[6:]}, expected "
                "float32, in which executions compute; convert the model with model.float()"
            )
    copied = copy.deepcopy(model)
    maps = []
    with eval_mode(copied):
        for matrix in linear:
            fastest, measured = _measured(matrix, batch, repeats)
            maps.append(measured)
            parent, _, name = matrix.target.path.rpartition(".")
            if not name:  # the model is the map
                return CompiledCopy(fastest, tuple(maps), batch)
            setattr(copied.get_submodule(parent), name, fastest)
    return CompiledCopy(copied, tuple(maps), batch)


def _measured(matrix: MaskedMatrix, batch: int, repeats: int) -> tuple[nn.Module, CompiledMap]:
    target = matrix.target
    weight = target.matrix(target.parameter.detach()).float()
    mask, bias = matrix.mask_matrix, target.module.bias
    assert bias is None or isinstance(bias, Tensor)
    x = torch.randn(
        batch, weight.shape[1], generator=seeds.torch_generator(0, "inputs of a timing")
    )
    expected = nn.functional.linear(x, weight * mask, None if bias is None else bias.float())
    modules: dict[str, nn.Module] = {}
    left_out: dict[str, str] = {}
    exact = []
    for kind in Execution.kinds:
        execution = Execution.from_description(kind)
        why = execution.objection(mask)
        if why is not None:
            left_out[kind] = why
            continue
        modules[kind] = execution.module(weight, mask, bias)
        if execution.is_exact:
            exact.append(kind)
            error = float((modules[kind](x) - expected).abs().max())
            if error > _TOLERANCE * float(expected.abs().max().clamp_min(1e-6)):
                raise DataError(
                    f"got an error of {error:.2g} of {target.key} computed by {kind!r}, expected "
                    "the masked product; please report it with the processor's name"
                )
    times: dict[str, list[float]] = {kind: [] for kind in modules}
    for _ in range(repeats):
        for kind, module in modules.items():
            begin = time.perf_counter()
            module(x)
            times[kind].append(time.perf_counter() - begin)
    seconds = {kind: statistics.median(values) for kind, values in times.items()}
    chosen = min(exact, key=seconds.__getitem__)
    return modules[chosen], CompiledMap(target.key, chosen, seconds, left_out)
