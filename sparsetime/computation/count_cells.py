"""Counting of what a sparse model computes by step, beside what its dense model would need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.computation.applied_plan import AppliedPlan
from sparsetime.computation.cost import CostCounter
from sparsetime.computation.held_steps import HeldSteps
from sparsetime.computation.model_data import ModelBatch, run_batch
from sparsetime.computation.skipped_activations import SkippedActivations
from sparsetime.computation.sparse import Sparse
from sparsetime.computation.step_cells import StepCells, cells_of
from sparsetime.computation.weight_matrices import WeightMatrix, weight_matrices
from sparsetime.errors import ConfigError
from sparsetime.models.eval_mode import eval_mode


def count_cells(
    sparse: Sparse, batches: Sequence[ModelBatch], sequences: Sequence[str]
) -> StepCells:
    """Multiplications of each linear map at each step, by whether they were needed.

        needed_tj = |x_tj| ||W_j|| > c,  x of the model without its plans of activations and time
        of a map whose inputs are held:  |x_tj - x_(t-1)j| ||W_j|| > c

    c is such that as many entries of a map are needed over all data as the plans compute, so that
    what is computed in vain and what is left out though needed are equally many, and a plan is
    judged by which it chooses. Maps without such a plan need what they compute. Where a plan leaves
    out outputs of a map before it, those are needed alike.

    sequences: names of the documents that the batches number. Errors: ConfigError for a model
    without a linear map.
    """
    matrices = [m for m in weight_matrices(sparse.model, [""]) if m.reads_rows]
    if not matrices:
        raise ConfigError("got a model without a linear map, expected at least one to count")
    chosen = {matrix.path: matrix for matrix in matrices}
    held, follows = _planned(sparse.plans)
    norms = {path: _norms(chosen[path]) for path in held}
    counter = CostCounter(sparse, matrices)
    computed, importance = _Entries(held), _Entries(held)
    places: list[int] = []  # of the counter's parts, up to each batch
    try:
        with eval_mode(sparse.model):
            for batch in batches:
                counter.begin(batch)
                _run(sparse.model, batch, computed, _masks)
                counter.finish()
                places.append(len(counter.parts))
    finally:
        counter.remove()
    resumes = [plan.suspend() for plan in reversed(sparse.plans) if _acts_by_hooks(plan)]
    try:
        with eval_mode(sparse.model):
            for batch in batches:
                _run(sparse.model, batch, importance, _importance(norms))
    finally:
        for resume in reversed(resumes):
            resume()
    needed = {path: importance.largest(path, computed.count(path)) for path in held}
    parts = []
    begin, rows_before = 0, dict.fromkeys(held, 0)
    for end in places:
        for name, where, position, counts, dense in counter.parts[begin:end]:
            own, count = counts[0], len(where)
            path = follows.get(name, name)
            kept, missed = own, np.zeros(count, np.int64)
            if path in held:
                first = rows_before[path]
                rows = slice(first, first + count)
                was, wanted = computed.rows(path)[rows], needed[path][rows]
                if len(was) == count:
                    kept, missed = _split(own, was, wanted, dense)
            parts.append((name, where, position, dense, own, kept, missed))
        for path in held:
            rows_before[path] += sum(
                len(where) for name, where, *_ in counter.parts[begin:end] if name == path
            )
        begin = end
    plans = [_in_words(plan) for plan in sparse.plans]
    return cells_of(parts, sparse.loaded.name, plans, sequences)


def _acts_by_hooks(plan: AppliedPlan) -> bool:
    return isinstance(plan, SkippedActivations | HeldSteps)


def _planned(plans: Sequence[AppliedPlan]) -> tuple[dict[str, bool], dict[str, str]]:
    """Maps whose inputs plans leave out: whether they are held; and maps that follow another's."""
    held: dict[str, bool] = {}
    follows: dict[str, str] = {}
    for plan in plans:
        if isinstance(plan, SkippedActivations):
            for point in plan.points:
                held.setdefault(point.path, False)
                follows |= dict.fromkeys(plan.activations.skips_outputs(point), point.path)
        elif isinstance(plan, HeldSteps):
            for matrix in plan.matrices:
                held[matrix.path] = plan.time.rule.holds
    return held, {path: point for path, point in follows.items() if path not in held}


@final
class _Entries:
    """What hooks read of the inputs of some maps, call by call."""

    def __init__(self, held: dict[str, bool]) -> None:
        self.held = held
        self._parts: dict[str, list[Tensor]] = {path: [] for path in held}

    def add(self, path: str, values: Tensor) -> None:
        self._parts[path].append(values.reshape(-1, values.shape[-1]))

    def rows(self, path: str) -> Tensor:
        own = self._parts[path]
        if len(own) > 1:
            self._parts[path] = own = [torch.cat(own)]
        return own[0] if own else torch.zeros(0, 1)

    def count(self, path: str) -> int:
        return int(self.rows(path).sum())

    def largest(self, path: str, count: int) -> Bool[Tensor, "rows entries"]:
        """True at the `count` largest entries of all rows."""
        values = self.rows(path)
        if count >= values.numel():
            return torch.ones_like(values, dtype=torch.bool)
        if not count:
            return torch.zeros_like(values, dtype=torch.bool)
        place = values.numel() - count
        flat = values.flatten().numpy()
        return values >= float(np.partition(flat, place)[place])


#: From a map's path, its input and whether it is held to what is kept of each entry.
_Reader = Callable[[str, Tensor, bool], Tensor]


def _masks(path: str, x: Tensor, is_held: bool) -> Bool[Tensor, "*rows entries"]:
    """True where an entry is multiplied."""
    del path
    mask = x != 0
    if is_held:
        mask[:, 1:] = x[:, 1:] != x[:, :-1]
    return mask


def _importance(norms: dict[str, Float[Tensor, " entries"]]) -> _Reader:
    def importance(path: str, x: Tensor, is_held: bool) -> Float[Tensor, "*rows entries"]:
        size = x.detach().abs()
        if is_held:
            size[:, 1:] = x.detach().diff(dim=1).abs()
        written: Tensor = size.float().cpu() * norms[path]
        return written

    return importance


def _norms(matrix: WeightMatrix) -> Float[Tensor, " entries"]:
    norms: Tensor = matrix.matrix(matrix.parameter.detach()).float().norm(dim=0)
    return norms.cpu()


def _run(model: nn.Module, batch: ModelBatch, into: _Entries, read: _Reader) -> None:
    """One pass, in which what the maps read is kept."""

    def recorder(path: str) -> Callable[..., None]:
        def record(module: nn.Module, args: Any, output: Any) -> None:
            into.add(path, read(path, args[0], into.held[path]).cpu())

        return record

    handles = [
        model.get_submodule(path).register_forward_hook(recorder(path)) for path in into.held
    ]
    try:
        run_batch(model, batch)
    finally:
        for handle in handles:
            handle.remove()


def _split(
    own: np.ndarray, was: Tensor, wanted: Tensor, dense: int
) -> tuple[np.ndarray, np.ndarray]:
    """Of the multiplications of each row, those needed; and those needed that were left out."""
    entries = was.shape[1]
    both = (was & wanted).sum(1).numpy()
    lacking = (wanted & ~was).sum(1).numpy()
    computed = was.sum(1).numpy()
    share = np.divide(both, computed, out=np.ones(len(both)), where=computed > 0)
    each = np.divide(own, computed, out=np.full(len(both), dense / entries), where=computed > 0)
    return np.rint(own * share).astype(np.int64), np.rint(lacking * each).astype(np.int64)


def _in_words(plan: AppliedPlan) -> str:
    components = ", ".join(plan.plan.components.values())
    share = f" at {plan.sparsity:.0%}" if plan.sparsity else ""
    return f"{plan.plan.acts_on}: {components}{share}"
