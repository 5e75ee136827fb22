"""st.cost: multiplications and bytes of weights that a model needs, by matrix and step."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from sparsetime.computation.cost_table import CostTable
from sparsetime.computation.model_data import ModelBatch, model_batches, run_batch
from sparsetime.computation.skipped_activations import SkippedActivations
from sparsetime.computation.sparse import Sparse
from sparsetime.computation.weight_matrices import WeightMatrix, weight_matrices
from sparsetime.errors import ConfigError
from sparsetime.files import locks
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.eval_mode import eval_mode
from sparsetime.models.load import LoadedModel

if TYPE_CHECKING:
    from sparsetime.computation.activation_sites.activation_site import ActivationPoint


@locks("out")
def cost(
    model: Sparse | str | Path | nn.Module | LoadedModel,
    data: Any,
    out: str | os.PathLike[str] | None = None,
) -> CostTable:
    """Count what each linear map of a model multiplies at each step of some data.

        macs(step) = sum over j with x_j != 0 of the entries of column j of W that are not 0
        bytes(step) = macs(step) * bytes of an entry,  each needed weight read once a step

    Weights and activations that are zero count together, whether a plan or a nonlinearity made them
    so. Of a map whose output a plan knows not to be needed, rows are left out too: the map up of a
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
    counter = _Counter(sparse, matrices)
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
class _Counter:
    """Hooks that count the needed multiplications of each linear map by step."""

    def __init__(self, sparse: Sparse, matrices: list[WeightMatrix]) -> None:
        self._weights = {
            matrix.path: (matrix.matrix(matrix.parameter.detach()) != 0).float()
            for matrix in matrices
        }
        self._sizes = {m.path: m.parameter.element_size() for m in matrices}
        self._points = [
            (plan, point)
            for plan in sparse.plans
            if isinstance(plan, SkippedActivations)
            for point in plan.points
        ]
        self._parts: list[tuple[str, np.ndarray, np.ndarray, np.ndarray, int]] = []
        self._inputs: dict[str, list[Bool[Tensor, "rows in"]]] = {}
        self._documents: tuple[int, ...] = ()
        self._handles = [
            matrix.module.register_forward_hook(self._counting(matrix.path)) for matrix in matrices
        ]

    def begin(self, batch: ModelBatch) -> None:
        self._documents, self._inputs = batch.documents, {}

    def finish(self) -> None:
        """Count the calls of the batch, once it is known which outputs were needed."""
        needed: dict[str, list[Bool[Tensor, "rows out"]]] = {}
        for plan, point in self._points:
            for path in plan.activations.skips_outputs(point):
                needed[path] = self._inputs.get(point.path, [])
            self._count_rule(plan, point)
        for path, calls in self._inputs.items():
            weight = self._weights[path]
            columns = weight.sum(0)
            is_whole = bool((columns == columns[0]).all())
            outputs = needed.get(path, [])
            for number, read in enumerate(calls):
                if number < len(outputs) and len(outputs[number]) == len(read):
                    macs = ((outputs[number].float() @ weight) * read).sum(1)
                elif is_whole:
                    macs = read.sum(1) * columns[0]
                else:
                    macs = read.float() @ columns
                self._add(path, macs, weight.numel(), self._sizes[path])

    def table(self) -> CostTable:
        return CostTable.of_parts(self._parts)

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _counting(self, path: str) -> Callable[..., None]:
        def record(module: nn.Module, args: Any, output: Any) -> None:
            x = args[0].detach()
            self._inputs.setdefault(path, []).append(x.reshape(-1, x.shape[-1]) != 0)

        return record

    def _count_rule(self, plan: SkippedActivations, point: ActivationPoint) -> None:
        own = plan.activations.rule.macs(plan.learnt[point.path])
        if own:
            for read in self._inputs.get(point.path, []):
                self._add(f"{point.path}:predictor", torch.full((len(read),), float(own)), 0, 4)

    def _add(self, name: str, macs: Float[Tensor, " rows"], dense: int, size: int) -> None:
        rows, count = len(macs), len(self._documents)
        steps = rows // count if rows % count == 0 else 0
        if steps:
            documents = np.repeat(np.asarray(self._documents), steps)
            positions = np.tile(np.arange(steps), count)
        else:  # rows that no longer say whose they are, as behind the router of experts
            documents, positions = np.full(rows, -1), np.arange(rows)
        numbers = macs.double().round().long().cpu().numpy()
        self._parts.append((name, documents, positions, np.stack([numbers, numbers * size]), dense))
