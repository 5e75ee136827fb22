"""Batches that a model reads for calibration and measurement, from texts, tokens or tensors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from sparsetime.errors import DataError
from sparsetime.interventions.model_inputs import forward_arguments
from sparsetime.models.load import LoadedModel, longest_input

_CONTEXT = 256  # tokens, where the model's own limit is larger
_BATCH = 8
_ROWS = 256  # of data that are no tokens


@final
@dataclass(frozen=True, eq=False)
class ModelBatch:
    """Input of one forward pass.

    inputs: tokens [batch, time], another tensor, or the model's named arguments. documents: number
    of the document of each sequence. target: of supervised data, otherwise None. begins: the token
    of its document at which each sequence begins; None where all begin with their document.
    """

    inputs: Any
    documents: tuple[int, ...]
    target: Tensor | None = None
    begins: tuple[int, ...] | None = None

    @property
    def is_tokens(self) -> bool:
        tokens = self.inputs
        return isinstance(tokens, Tensor) and not tokens.is_floating_point() and tokens.ndim == 2


def run_batch(model: nn.Module, batch: ModelBatch) -> Any:
    """The model's output of a batch."""
    args, named = forward_arguments(model, batch.inputs)
    return model(*args, **named)


def model_batches(loaded: LoadedModel, data: Any, context: int | None = None) -> list[ModelBatch]:
    """Batches of data that a model reads.

    data: texts or documents, for a model with a tokenizer; tokens [sequences, time]; a tensor
    [rows, ...] of what else the model reads; a tuple (inputs, targets) of tensors; or an iterable
    of batches, each a tensor, a mapping of named arguments, or a pair. context: tokens of a window
    that texts are cut into; None for 256, or the model's limit where that is less.

    Errors: DataError for data that are empty, of another kind, or texts without a tokenizer.
    """
    if isinstance(data, str):
        data = [data]
    if isinstance(data, np.ndarray):
        data = torch.from_numpy(data)
    if isinstance(data, Tensor):
        batches = list(_of_tensor(data, None))
    elif isinstance(data, tuple) and _is_pair(data):  # a list of two tensors is two batches
        batches = list(_of_tensor(_tensor(data[0]), _tensor(data[1])))
    elif isinstance(data, Iterable) and not isinstance(data, Mapping):
        items = list(data)
        texts = [getattr(item, "text", item) for item in items]
        if texts and all(isinstance(text, str) for text in texts):
            batches = list(_of_texts(loaded, texts, context))
        else:
            batches = list(_of_batches(items))
    else:
        raise DataError(f"got {type(data).__name__} as data, expected {_EXPECTED}")
    if not batches:
        raise DataError(f"got data without a sequence, expected {_EXPECTED}")
    return batches


_EXPECTED = (
    "texts, tokens [sequences, time], a tensor [rows, ...], a pair of inputs and targets, or an "
    "iterable of batches"
)


def _of_tensor(inputs: Tensor, target: Tensor | None) -> Iterator[ModelBatch]:
    if inputs.ndim < 2:
        raise DataError(
            f"got data of the shape {list(inputs.shape)}, expected [sequences, time] or "
            "[rows, ...]; put one sequence into a batch of one"
        )
    if target is not None and len(target) != len(inputs):
        raise DataError(
            f"got {len(inputs)} inputs with {len(target)} targets, expected a target for each"
        )
    size = _ROWS if inputs.is_floating_point() else _BATCH
    for begin in range(0, len(inputs), size):
        rows = slice(begin, begin + size)
        documents = tuple(range(begin, min(begin + size, len(inputs))))
        yield ModelBatch(inputs[rows], documents, None if target is None else target[rows])


def _of_batches(items: Sequence[Any]) -> Iterator[ModelBatch]:
    first = 0
    for item in items:
        inputs, target = item if _is_pair(item) else (item, None)
        if not isinstance(inputs, Tensor | np.ndarray | Mapping):
            raise DataError(f"got a batch of {type(item).__name__} in data, expected {_EXPECTED}")
        tensors = inputs.values() if isinstance(inputs, Mapping) else [inputs]
        rows = next(len(t) for t in tensors if isinstance(t, Tensor | np.ndarray) and t.ndim)
        inputs = torch.from_numpy(inputs) if isinstance(inputs, np.ndarray) else inputs
        target = None if target is None else _tensor(target)
        yield ModelBatch(inputs, tuple(range(first, first + rows)), target)
        first += rows


def _of_texts(
    loaded: LoadedModel, texts: Sequence[str], context: int | None
) -> Iterator[ModelBatch]:
    if loaded.tokenizer is None:
        raise DataError(
            f"got texts for the model {loaded.name!r}, which came without a tokenizer; give tokens "
            "[sequences, time], or a model that sparsetime loads with its tokenizer"
        )
    limit = longest_input(loaded.model, loaded.tokenizer)
    length = min(x for x in (context or _CONTEXT, limit) if x is not None)
    by_length: dict[int, list[tuple[int, int, Tensor]]] = {}
    for number, text in enumerate(texts):
        tokens = torch.tensor(loaded.tokenizer(text, verbose=False)["input_ids"], dtype=torch.long)
        for place, window in enumerate(tokens.split(length)):
            if len(window) > 1:
                by_length.setdefault(len(window), []).append((number, place * length, window))
    for windows in by_length.values():
        for begin in range(0, len(windows), _BATCH):
            numbers, begins, rows = zip(*windows[begin : begin + _BATCH], strict=True)
            yield ModelBatch(torch.stack(rows), numbers, begins=begins)


def _is_pair(item: Any) -> bool:
    arrays = Tensor | np.ndarray
    return (
        isinstance(item, tuple | list)
        and len(item) == 2
        and all(isinstance(one, arrays) for one in item)
    )


def _tensor(value: Any) -> Tensor:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value
