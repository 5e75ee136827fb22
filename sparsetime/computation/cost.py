"""st.cost: multiplications and bytes of weights that a model needs, by matrix and step."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from sparsetime.computation.cost_table import CostTable
from sparsetime.computation.held_steps import HeldSteps
from sparsetime.computation.model_data import ModelBatch, model_batches, run_batch
from sparsetime.computation.rounded_weights import RoundedWeights
from sparsetime.computation.skipped_activations import SkippedActivations
from sparsetime.computation.sparse import Sparse
from sparsetime.computation.weight_matrices import WeightMatrix, weight_matrices
from sparsetime.errors import ConfigError
from sparsetime.files import locks
from sparsetime.kernels.nonzero import count_by_column, count_by_row
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel


@locks("out")
def cost(
    model: Sparse | str | Path | nn.Module | LoadedModel,
    data: Any,
    out: str | os.PathLike[str] | None = None,
) -> CostTable:
    """Count what each linear map of a model multiplies at each step of some data.

        macs(step) = sum over j with x_j != 0 of the entries of column j of W that are not 0
        bytes(step) = macs(step) * bytes of an entry,  each needed weight read once a step

    A plan of bits sets the bytes of an entry, its share of a scale with them.

    Weights and activations that are zero count together, whether a plan or a nonlinearity made them
    so. Of a map whose inputs a plan of time holds, those count that changed since the step before.
    Of a map whose output a plan knows not to be needed, rows are left out too: the map up of a
    gated MLP where its gate was left out, both where a predictor chose neurons; the predictor's own
    product is a row of the table. Attention between steps, norms and embeddings are not counted.

    data: as in `sparsify`. out: a folder to write the table into.

    The count is of what is needed. Hardware that multiplies dense matrices does all of it, and
    `Sparse.compile` measures what is faster.

    Errors: those of `model_batches`; ConfigError for a model without a linear map.
    """
    sparse = model if isinstance(model, Sparse) else Sparse(load_causal_model(model))
    batches = model_batches(sparse.loaded, data)
    matrices = [m for m in weight_matrices(sparse.model, [""]) if m.reads_rows]
    if not matrices:
        raise ConfigError("got a model without a linear map, expected at least one to count")
    counter = CostCounter(sparse, matrices)
    try:
        with eval_mode(sparse.model):
            for batch in batches:
                counter.begin(batch)
                run_batch(sparse.model, batch)
                counter.finish()
    finally:
        counter.remove()
    table = counter.table()
    if out is not None:
        table.save(out)
    return table


@final
class CostCounter:
    """Hooks that count the needed multiplications of each linear map by step.

    parts: what was counted, a call each: matrix, sequences, positions, [macs, bytes], dense macs.

    A call is counted at once, so that no input is kept; but not where a plan leaves out rows of the
    map, or its input decides which: those wait for the end of the batch.
    """

    def __init__(self, sparse: Sparse, matrices: list[WeightMatrix]) -> None:
        self._matrices = {matrix.path: matrix for matrix in matrices}
        self._columns = {m.path: count_by_column(m.matrix(m.parameter.detach())) for m in matrices}
        self._skips = [
            (plan, point, skipped)
            for plan in sparse.plans
            if isinstance(plan, SkippedActivations)
            for point in plan.points
            if (skipped := plan.activations.skips_outputs(point))
        ]
        self._sizes = {matrix.path: float(matrix.parameter.element_size()) for matrix in matrices}
        for plan in sparse.plans:
            if isinstance(plan, RoundedWeights):
                self._sizes |= {m.target.path: plan.bytes_of_entry(m) for m in plan.matrices}
        self._held = {
            matrix.path: plan.time.rule
            for plan in sparse.plans
            if isinstance(plan, HeldSteps)
            for matrix in plan.matrices
        }
        self._waiting = {
            path for _, point, skipped in self._skips for path in (point.path, *skipped)
        }
        self.parts: list[tuple[str, np.ndarray, np.ndarray, np.ndarray, int]] = []
        #: By call of the batch: what is needed by row; of a map that waits, which inputs are.
        self._calls: list[tuple[str, Int[Tensor, " rows"] | Bool[Tensor, "rows in"]]] = []
        self._batch: ModelBatch | None = None
        #: By number of rows, where those of a call of this batch lie.
        self._places: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._handles = [
            matrix.module.register_forward_hook(self._counting(matrix.path)) for matrix in matrices
        ]

    def begin(self, batch: ModelBatch) -> None:
        self._batch, self._calls, self._places = batch, [], {}

    def finish(self) -> None:
        """Count the calls that wait, now that it is known which outputs were needed."""
        needed: dict[str, Iterator[Tensor]] = {}
        for plan, point, skipped in self._skips:
            reads = [read for path, read in self._calls if path == point.path]
            needed |= {path: iter(reads) for path in skipped}
            own = plan.activations.rule.macs(plan.learnt[point.path])
            for read in reads if own else []:
                self._add(f"{point.path}:predictor", torch.full((len(read),), round(own)), 0, 4)
        for path, call in self._calls:
            matrix, macs = self._matrices[path], call
            parameter = matrix.parameter
            if path in self._waiting:
                outputs = next(needed.get(path, iter(())), None)
                if outputs is not None and len(outputs) == len(call):
                    weight = (matrix.matrix(parameter.detach()) != 0).float()
                    macs = ((outputs.float() @ weight) * call).sum(1).round().long()
                else:
                    macs = count_by_row(call, self._columns[path])
            self._add(path, macs, parameter.numel(), self._sizes[path])

    def table(self) -> CostTable:
        return CostTable.of_parts(self.parts)

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _counting(self, path: str) -> Callable[..., None]:
        def record(module: nn.Module, args: Any, output: Any) -> None:
            x = args[0].detach().reshape(-1, args[0].shape[-1])
            if path in self._held:
                needed = self._held[path].needed(args[0].detach())
                x = needed.reshape(x.shape)
            waits = path in self._waiting
            self._calls.append((path, x != 0 if waits else count_by_row(x, self._columns[path])))

        return record

    def _add(self, name: str, macs: Int[Tensor, " rows"], dense: int, size: float) -> None:
        numbers = macs.cpu().numpy()
        read = numbers * int(size) if size == int(size) else np.rint(numbers * size).astype(int)
        rows = len(numbers)
        if rows not in self._places:
            self._places[rows] = self._places_of(rows)
        self.parts.append((name, *self._places[rows], np.stack([numbers, read]), dense))

    def _places_of(self, rows: int) -> tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " rows"]]:
        """The sequence and position of each row that a map was called with."""
        assert self._batch is not None, "begun before"
        documents, begins = self._batch.documents, self._batch.begins
        steps, rest = divmod(rows, len(documents))
        if rest or (self._batch.is_tokens and steps not in (1, self._batch.inputs.shape[1])):
            # Rows that no longer show whose they are, as behind the router of experts.
            return np.full(rows, -1, np.int32), np.arange(rows, dtype=np.int32)
        first = np.zeros(len(documents), int) if begins is None else np.asarray(begins)
        positions = (first[:, None] + np.arange(steps)).ravel().astype(np.int32)
        return np.repeat(np.asarray(documents, np.int32), steps), positions
