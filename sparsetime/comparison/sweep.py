"""st.sweep: methods that leave out work, at equal sparsities, on the same tasks."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from torch import Tensor, nn

from sparsetime.comparison.sweep_methods import SPARSE_BLOCKS, Phase, SparseRun, method_kind
from sparsetime.comparison.sweep_tasks import SweepTask, repeat_task, text_task
from sparsetime.comparison.sweep_twins import TWINS
from sparsetime.computation.recipes.card import PlanCard
from sparsetime.errors import ConfigError, UnreachedSparsityError
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.statistics.estimate import bootstrap, ratio

# The quantile of a one-sided 95% bound.
_ONE_SIDED = 0.95


@final
@dataclass(frozen=True)
class SweepPoint:
    """One method at one sparsity on one task.

    sparsity: the share that was left out on the task; asked: the one that was asked for. loss: mean
    of the scored tokens in nats; loss_increase: over the dense model, on the same tokens, with its
    95% interval over sequences and the one-sided bound that it lies below. accuracy: share of right
    predictions. pairs and bytes_read: of the task; seconds: of its pass, dense_seconds of the dense
    one. NaN where the budget cannot be met, with the reason in `why`.
    """

    method: str
    task: str
    phase: Phase
    asked: float
    sparsity: float
    loss: float
    loss_increase: float
    interval: tuple[float, float] | None
    bound: float
    accuracy: float
    dense_accuracy: float
    pairs: float
    bytes_read: float
    seconds: float
    dense_seconds: float
    why: str = ""


@final
@dataclass(frozen=True)
class SweepTable:
    """Points of a sweep."""

    points: tuple[SweepPoint, ...]

    def highest(self, within: float = 0.05) -> dict[tuple[str, str, Phase], float]:
        """The highest sparsity of each method, task and phase whose loss stays within a bound.

        within: nats that the one-sided 95% bound of the loss increase may reach. NaN where no
        sparsity of the sweep does. Sparsities above one that fails do not count.
        """
        found: dict[tuple[str, str, Phase], float] = {}
        for key in dict.fromkeys((p.method, p.task, p.phase) for p in self.points):
            own = [p for p in self.points if (p.method, p.task, p.phase) == key]
            best = math.nan
            for point in sorted(own, key=lambda p: p.asked):
                if not point.bound <= within:
                    break
                best = point.sparsity
            found[key] = best
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """The points as JSON values."""
        return [asdict(point) for point in self.points]


def sweep(
    model: nn.Module | LoadedModel | str,
    methods: Sequence[Any],
    sparsities: Sequence[float],
    *,
    tasks: Sequence[SweepTask] | None = None,
    data: Tensor,
    phases: Sequence[Phase] = ("prefill",),
    seed: int = 0,
    twins: bool | None = None,
) -> SweepTable:
    """Every method at every sparsity on every task, beside the dense model.

    methods: names of recipes, or policies; the kind of the recipe says how the model is made
    sparse. data: tokens [sequences, time] on which every method's own setting is solved for an
    equal budget; the first sequence is used. tasks: by default `text_task` and `repeat_task` of the
    other sequences, for every phase. seed: of the bootstrap over sequences. twins: whether dense
    twins are measured on the same tasks: the model in 8 bits, and at each sparsity one with fewer
    neurons in its MLPs, without training; both are executed so, and their seconds are of that. None
    for twins where a method leaves out weights, activations or steps. A sparse plan computes with
    masks, so that its seconds are those of dense products.

    Errors: ConfigError for no methods or sparsities, or fewer than three sequences without tasks;
    those of the methods.
    """
    if not methods or not sparsities:
        raise ConfigError("got no methods or no sparsities, expected at least one of each")
    kinds = [method_kind(method) for method in methods]
    if tasks is None:
        if data.ndim != 2 or data.shape[0] < 3:
            raise ConfigError(
                f"got data of shape {tuple(data.shape)} and no tasks, expected tokens [sequences, "
                "time] of at least three sequences: the first solves budgets, the others are tasks"
            )
        tasks = [make(data[1:], phase) for phase in phases for make in (text_task, repeat_task)]
    swept = [(m, SPARSE_BLOCKS[kind], sparsities) for m, kind in zip(methods, kinds, strict=True)]
    if twins is None:
        twins = PlanCard.kind in kinds
    if twins:
        swept += [
            (name, make, sparsities if by_sparsity else [0.0])
            for name, (make, by_sparsity) in TWINS.items()
        ]
    loaded = load_model(model)
    points: dict[tuple[int, int, int], SweepPoint] = {}
    with eval_mode(loaded.model):
        dense = [_timed(task, loaded.model) for task in tasks]
        for m, (method, make, asked) in enumerate(swept):
            for s, sparsity in enumerate(asked):
                # A method is solved once for all tasks of a phase.
                for phase in dict.fromkeys(task.phase for task in tasks):
                    own = [t for t, task in enumerate(tasks) if task.phase == phase]
                    pairs = [(tasks[t], dense[t]) for t in own]
                    block = make(loaded, method, sparsity, data[:1], phase)
                    made = _points(block, method, sparsity, pairs, seed)
                    points |= {(t, m, s): point for t, point in zip(own, made, strict=False)}
    return SweepTable(tuple(points[place] for place in sorted(points)))


_Timed = tuple[Tensor, Tensor, float]


def _timed(task: SweepTask, model: nn.Module) -> _Timed:
    began = time.perf_counter()
    losses, right = task.losses(model)
    return losses, right, time.perf_counter() - began


def _points(
    block: AbstractContextManager[SparseRun | None],
    method: Any,
    sparsity: float,
    tasks: Sequence[tuple[SweepTask, _Timed]],
    seed: int,
) -> list[SweepPoint]:
    """Points of one method at one sparsity on the tasks of a phase; none where it has no part."""
    name = method if isinstance(method, str) else method.name
    try:
        with block as run:
            if run is None:
                return []
            return [_point(run, name, sparsity, task, dense, seed) for task, dense in tasks]
    except UnreachedSparsityError as error:
        return [_unreached(name, sparsity, task, dense, str(error)) for task, dense in tasks]


def _unreached(name: str, sparsity: float, task: SweepTask, dense: _Timed, why: str) -> SweepPoint:
    nan, accuracy = math.nan, float(dense[1].mean())
    values = (nan, nan, nan, None, nan, nan, accuracy, nan, nan, nan, dense[2])
    return SweepPoint(name, task.name, task.phase, sparsity, *values, why=why)


def _point(
    run: SparseRun, name: str, sparsity: float, task: SweepTask, dense: _Timed, seed: int
) -> SweepPoint:
    losses, right, seconds = _timed(task, run.model)
    work = run.work()
    difference = (losses - dense[0]).double().numpy()
    draws = bootstrap(
        lambda weights: ratio(weights @ difference, weights.sum(1)), len(difference), seed
    )
    has_draws = len(draws) > 0
    return SweepPoint(
        name,
        task.name,
        task.phase,
        sparsity,
        work.sparsity,
        float(losses.mean()),
        float(difference.mean()),
        (float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))) if has_draws else None,
        float(np.quantile(draws, _ONE_SIDED)) if has_draws else math.nan,
        float(right.mean()),
        float(dense[1].mean()),
        work.pairs,
        work.bytes_read,
        seconds,
        dense[2],
    )
