"""Receptive fields by gradients: the input steps on which rows of a site depend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime import seeds
from sparsetime.errors import SparsetimeError
from sparsetime.models.wrappers import hook_output

_MODULES = 6  # modules with as many rows that are looked at
_PLATEAU = 0.4  # of the greatest gradient: at every step of a patch
_EDGE = 0.5  # of the gradient at the edge of a patch: at the step beside it
_SUMS = 8  # weighted sums of a row, whose mean gradient depends little on the weights
_NONE = 1e-12


@final
@dataclass(frozen=True)
class LocalRows:
    """Rows that read a few steps of the input each, and how they follow one another.

    leading: rows that read none. step: input steps from one time to the next. rows_a_time: rows
    with the same steps. first, last: the steps that the first row reads, last included; they may
    lie before the input, where it is padded.
    """

    leading: int
    step: int
    rows_a_time: int
    first: int
    last: int

    @property
    def centre(self) -> float:
        """The centre of the steps that the first row reads, where step i covers [i, i + 1)."""
        return (self.first + self.last + 1) / 2


class _EnoughError(SparsetimeError):
    """Ends a forward pass in which enough modules were seen."""


class _UnclearError(Exception):
    """A row that reads all of the input a little, and no patch of it evenly."""


def local_rows(
    model: nn.Module, run: Callable[[Tensor], object], inputs: Float[Tensor, ...], rows: int
) -> LocalRows | None:
    """The local rows of the first module that gives `rows` rows; None where none is local.

    Later sites with as many rows have the same rate: attention and recurrence mix rows and keep
    their number. run: a forward pass of values [1, time, ...]. A normalisation over time makes
    every row read all steps a little; then only patches, whose gradient is even, are recognised.
    """
    outputs: list[Tensor] = []

    def keep(module: nn.Module, args: object, output: object) -> None:
        value = output[0] if isinstance(output, tuple) and output else output
        of_rows = isinstance(value, Tensor) and value.requires_grad and rows in value.shape[1:]
        if of_rows:
            outputs.append(value)  # type: ignore[arg-type]
        if len(outputs) == _MODULES:
            raise _EnoughError  # a whole pass would keep what its gradient needs of all layers

    handles = [hook_output(module, keep) for module in model.modules()]
    values = inputs.detach().clone().float().requires_grad_()
    try:
        with torch.enable_grad(), suppress(_EnoughError):
            run(values)
        for output in outputs:
            for axis in _axes(output, rows):
                with suppress(_UnclearError):
                    found = _regular(output.movedim(axis, 0), values)
                    if found is not None:
                        return found
    except Exception:  # of a user's model, which may not be differentiable
        return None
    finally:
        for handle in handles:
            handle.remove()
    return None


def _axes(output: Tensor, rows: int) -> Iterator[int]:
    return (axis for axis in range(1, output.ndim) if output.shape[axis] == rows)


def _regular(output: Tensor, values: Tensor) -> LocalRows | None:
    """The regular steps of rows [rows, ...], found by a few backward passes."""
    rows, length = len(output), values.shape[1]
    leading = next((r for r in range(min(rows, 6)) if _span(output, values, r) is not None), None)
    if leading is None or rows - leading < 2:
        return None
    # In the middle no padding is read; where few rows share few times, there is none behind it.
    for middle in (leading + (rows - leading) // 2, leading):
        own = _span(output, values, middle)
        if own is None or own[1] - own[0] + 1 > max(1, length // 2):
            return None
        a_time = _same_after(output, values, middle, own)
        after = None if a_time is None else _span(output, values, a_time)
        if a_time is not None and after is not None:
            break
    else:
        return None
    period_end = _same_after(output, values, a_time, after)
    period = (rows if period_end is None else period_end) - a_time
    step = after[0] - own[0]
    if own[1] - own[0] + 1 < step:  # of a patch whose edge weighs little
        return None
    if step < 1 or after[1] - own[1] != step or (rows - leading) % period:
        return None
    number = (middle - leading) // period
    return LocalRows(leading, step, period, own[0] - step * number, own[1] - step * number)


def _same_after(output: Tensor, values: Tensor, row: int, span: tuple[int, int]) -> int | None:
    """The first row behind `row` that reads other steps; None where none does."""
    low, high = row, len(output) - 1
    if _span(output, values, high) == span:
        return None
    while high - low > 1:
        between = (low + high) // 2
        low, high = (between, high) if _span(output, values, between) == span else (low, between)
    return high


def _span(output: Tensor, values: Tensor, row: int) -> tuple[int, int] | None:
    """First and last step that a row reads; None where it reads none.

    Errors: _UnclearError where it reads all, and no patch evenly.
    """
    generator = seeds.torch_generator(0, "receptive fields")
    target, size = output[row], torch.zeros(values.shape[1], dtype=torch.float64)
    for number in range(_SUMS):
        if number == 1 and int((size > 0).sum()) <= len(size) // 2:
            break  # steps without any gradient are seen in one sum; more of them even out a patch
        weights = torch.randn(target.shape, generator=generator, dtype=torch.float64)
        gradients: tuple[Tensor | None, ...] = torch.autograd.grad(
            target, values, weights.to(target), retain_graph=True, allow_unused=True
        )
        gradient = gradients[0]
        if gradient is None:
            return None
        size += gradient.double().square().flatten(2).sum((0, 2)).cpu()
    size = size.sqrt()
    most = float(size.max())
    if most <= _NONE:
        return None
    read = (size > 0).nonzero()[:, 0]
    if len(read) > len(size) // 2:
        read = (size > _PLATEAU * most).nonzero()[:, 0]
        first, last = int(read[0]), int(read[-1])
        edges = [(first, first - 1), (last, last + 1)]
        sharp = all(size[i] < _EDGE * size[edge] for edge, i in edges if 0 <= i < len(size))
        if last - first + 1 != len(read) or not sharp:
            raise _UnclearError
    return int(read[0]), int(read[-1])
