"""st.find_moments: the steps or spans of sequences that a query or a surprise points out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from sparsetime.activations.store.store import Store
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.moments.finders.moment_finder import MomentFinder
from sparsetime.moments.moment_schema import MOMENTS
from sparsetime.moments.moment_table import MomentTable
from sparsetime.moments.step_scores import StepScores
from sparsetime.tensors import as_tensor, is_array

_THREE = 3  # axes of sequences


@final
@dataclass(frozen=True, eq=False)
class _Rows:
    id: str
    values: Float[Tensor, "time d"]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]


def find_moments(
    data: Any,
    how: str = "spread",
    *,
    query: Any = None,
    budget: int = 8,
    **settings: Any,
) -> MomentTable:
    """The moments of every sequence: `find_moments(store, "zoom", query=q, budget=8)`.

    data: a store, whose rows keep their true times; or a tensor or array [sequences, time, d] or
    [time, d], whose times are steps. how: a kind of finder ("top", "uniform", "spread", "zoom",
    "surprise"), of which settings are given by name. query: a vector [d], with which a step's row
    has a cosine; a function from rows [n, d] to scores [n], such as the error of a model; None for
    the change since the step before. budget: moments of a sequence at most.

    Errors: UnknownNameError for an unknown finder or setting; ConfigError for a budget below 1;
    MismatchError for a query of another dimension; DataError for rows or scores that are not
    finite, and for other data.
    """
    if isinstance(budget, bool) or not isinstance(budget, int) or budget < 1:
        raise ConfigError(f"got budget={budget!r}, expected at least 1 moment a sequence")
    finder = MomentFinder.from_config({"kind": how, **settings})
    rows, scored = [], {}
    for sequence in _sequences(data):
        scores = StepScores(len(sequence.values), _score(sequence, query))
        spans = finder.find(scores, budget)
        for first, stop in spans.tolist():
            best = float(scores.at(np.arange(first, stop)).max())
            start, end = float(sequence.starts[first]), float(sequence.ends[stop - 1])
            rows.append((sequence.id, first, stop, start, end, best, how))
        scored[sequence.id] = scores.scored / max(1, scores.length)
    named = [dict(zip(MOMENTS.names, row, strict=True)) for row in rows]
    return MomentTable(pa.Table.from_pylist(named, schema=MOMENTS), scored)


def _sequences(data: Any) -> Iterator[_Rows]:
    if isinstance(data, Store):
        for i in range(data.sequences.num_rows):
            one = data.sequence(i)
            values = torch.as_tensor(one.values).float()
            yield _Rows(one.id, values, one.times, one.times + one.durations)
        return
    if not is_array(data):
        raise DataError(
            f"got {type(data).__name__} as data, expected a store, or an array "
            "[sequences, time, d] or [time, d]"
        )
    values = as_tensor(data, "the data").detach().float()
    if values.ndim == _THREE - 1:
        values = values[None]
    if values.ndim != _THREE or not values.shape[1]:
        raise DataError(
            f"got data of shape {list(values.shape)}, expected [sequences, time, d] with at least "
            "one step"
        )
    step = np.arange(values.shape[1], dtype=np.float64)
    for number, one in enumerate(values):
        yield _Rows(str(number), one, step, step + 1)


def _score(sequence: _Rows, query: Any) -> Callable[[NDArray[np.int64]], NDArray[np.float64]]:
    """The scores of steps. Errors: MismatchError for a query of another dimension."""
    values = sequence.values
    if query is None:
        before = torch.cat([values[:1], values[:-1]])
        return lambda steps: _numbers((values[steps] - before[steps]).norm(dim=1))
    if is_array(query):
        direction = as_tensor(query, "the query").to(values)
        if direction.shape != values.shape[1:]:
            raise MismatchError(
                f"got a query of shape {list(direction.shape)}, expected the dimension of the "
                f"rows, [{values.shape[1]}]"
            )
        return lambda steps: _numbers(
            torch.cosine_similarity(values[steps], direction[None], dim=1)
        )
    if not callable(query):
        raise ConfigError(
            f"got {type(query).__name__} as query, expected a vector [d], a function of rows, or "
            "None for the change since the step before"
        )
    return lambda steps: _numbers(torch.as_tensor(query(values[steps])))


def _numbers(scores: Tensor) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = scores.detach().cpu().double().numpy()
    return numbers
