"""Sequences for pretraining, from tensors, documents or a store, and batches of their windows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor

from sparsetime import seeds
from sparsetime.activations.capture.document import Document
from sparsetime.activations.store.store import Store
from sparsetime.errors import DataError
from sparsetime.tensors import as_tensor, is_array

_TWO_NUMBERS = 2  # [sequences, steps]


@final
@dataclass(frozen=True, eq=False)
class PretrainingData:
    """Sequences [steps, ...] of one kind, and how windows are cut from them.

    window: steps of a window; None for whole sequences.

    Errors: DataError where there are none, where they differ in shape beside their lengths, and for
    lengths that differ, or are shorter than a window.
    """

    sequences: Sequence[Shaped[Tensor, "steps ..."]]
    window: int | None

    def __post_init__(self) -> None:
        if not self.sequences:
            raise DataError("got no sequences, expected at least one")
        shapes = {(one.dtype, tuple(one.shape[1:])) for one in self.sequences}
        if len(shapes) > 1:
            raise DataError(
                f"got sequences of {len(shapes)} kinds, such as {' and '.join(map(str, shapes))}, "
                "expected the same dtype and channels in all"
            )
        lengths = [len(one) for one in self.sequences]
        if self.window is None and len(set(lengths)) > 1:
            raise DataError(
                f"got sequences of {min(lengths)} to {max(lengths)} steps, expected equal lengths; "
                f"give window={min(lengths)} or less, which cuts windows of equal length"
            )
        if self.window is not None and min(lengths) < self.window:
            raise DataError(
                f"got a sequence of {min(lengths)} steps, expected at least window={self.window}; "
                "give a shorter window, or leave short sequences out"
            )

    def batch(self, wanted: int) -> int:
        """Sequences of a batch: whole ones are not repeated within it."""
        return min(wanted, len(self.sequences)) if self.window is None else wanted

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of shapes and values."""
        digest = hashlib.sha256()
        for one in self.sequences:
            digest.update(repr((str(one.dtype), tuple(one.shape))).encode())
            digest.update(one.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def _entries(self) -> Tensor:
        """The sequence of every window of an epoch: as many as fit into it."""
        counts = [1 if self.window is None else len(one) // self.window for one in self.sequences]
        return torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))

    def batches(
        self, batch: int, seed: int, steps: int, skip: int
    ) -> Iterator[Shaped[Tensor, "batch steps ..."]]:
        """Batches of steps `skip` to `steps` - 1; every epoch has another order and other cuts."""
        epoch, order, starts = -1, self._entries, self._entries
        for step in range(skip, steps):
            chosen = []
            for place in range(step * batch, (step + 1) * batch):
                wanted, within = divmod(place, len(self._entries))
                if wanted != epoch:
                    epoch = wanted
                    order, starts = self._of_epoch(seed, epoch)
                sequence = self.sequences[int(order[within])]
                begin = int(starts[within])
                chosen.append(sequence[begin : begin + (self.window or len(sequence))])
            yield torch.stack(chosen)

    def _of_epoch(self, seed: int, epoch: int) -> tuple[Tensor, Tensor]:
        random = seeds.torch_generator(seed, "order of pretraining sequences", epoch)
        order = self._entries[torch.randperm(len(self._entries), generator=random)]
        lengths = torch.tensor([len(one) for one in self.sequences])[order]
        free = lengths - (lengths if self.window is None else self.window) + 1
        starts = (torch.rand(len(order), generator=random, dtype=torch.float64) * free).long()
        return order, starts


def pretraining_data(data: Any, window: int | None) -> PretrainingData:
    """Sequences of whatever `st.pretrain` takes.

    data: a tensor or array [sequences, steps, ...], of whole numbers for symbols; several of
    [steps, ...]; documents with values or tokens, such as recordings; or a store, whose activations
    are the sequences. Values without an axis of channels have one channel.

    Errors: DataError for documents of texts, and for anything else.
    """
    if isinstance(data, Store):
        found: list[Tensor] = [
            torch.as_tensor(data.sequence(i).values).float() for i in range(data.sequences.num_rows)
        ]
    elif is_array(data):
        whole = as_tensor(data, "the data")
        if whole.ndim < _TWO_NUMBERS:
            raise DataError(
                f"got data of shape {list(whole.shape)}, expected [sequences, steps, ...]; give "
                "one sequence as data[None]"
            )
        found = [_sequence(one, number) for number, one in enumerate(whole)]
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        found = [_sequence(one, number) for number, one in enumerate(data)]
    else:
        raise DataError(
            f"got {type(data).__name__} as data, expected a tensor [sequences, steps, ...], "
            "several sequences, documents with values or tokens, or a store"
        )
    return PretrainingData(found, window)


def _sequence(one: Any, number: int) -> Tensor:
    if isinstance(one, Document):
        numbers = one.values if one.values is not None else one.tokens
        if numbers is None:
            raise DataError(
                f"got the text {one.id!r}, expected values or tokens; tokenise texts first"
            )
    elif is_array(one):
        numbers = one
    else:
        raise DataError(
            f"got {type(one).__name__} as sequence {number}, expected an array [steps, ...] or a "
            "document"
        )
    tensor = _numbers(as_tensor(numbers, f"sequence {number}"))
    is_series = tensor.ndim == 1 and tensor.is_floating_point()
    return tensor[:, None] if is_series else tensor


def _numbers(x: Tensor) -> Tensor:
    """Values as float32, symbols as int64."""
    return x.float() if x.is_floating_point() else x.long()
