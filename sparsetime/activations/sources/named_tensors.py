"""Sources of named tensors: activations with targets, neighbours, gradients or labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import replace
from typing import Any, final

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from sparsetime.activations.capture.check_finite import check_finite
from sparsetime.activations.sampling.batch import Batch, check_field
from sparsetime.activations.sampling.batching import IN_TIME, WINDOW
from sparsetime.activations.sampling.sample_kinds import (
    Integers,
    Lag,
    PairSamples,
    RowSamples,
    SampleKind,
    WindowSamples,
)
from sparsetime.activations.sampling.segment_batching import SegmentBatching
from sparsetime.activations.sampling.shuffle import Shuffle
from sparsetime.activations.sources.source import UNKNOWN, Origin, RowReader
from sparsetime.activations.sources.tensor_source import TensorReader
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.errors import DataError
from sparsetime.segments import Segments
from sparsetime.tensors import as_tensor

# Whole numbers up to here are exact in float32, in which every row is drawn.
_LARGEST_LABEL = 1 << 24


@final
class NamedTensorSource:
    """Fields of the same rows, concatenated into one wide row, which the samplers shuffle.

    segments, first_rows: the sequences, and the reader's number of each one's first row.
    field_widths: the width of every field in the order of its columns, x first; labels of one
    column come as [rows]. has_time: whether the rows of a segment follow each other in time.
    excluded: steps that are in no segment. origin: the model and the site of x.
    """

    def __init__(
        self,
        reader: RowReader,
        segments: Segments,
        field_widths: Mapping[str, int],
        fingerprint: str,
        has_time: bool,
        *,
        first_rows: Integers | None = None,
        excluded: StepExclusion | None = None,
        origin: Origin = UNKNOWN,
    ) -> None:
        self._reader, self._segments, self._first_rows = reader, segments, first_rows
        self.excluded = excluded or StepExclusion()
        self.field_widths = dict(field_widths)
        self.d: int = field_widths["x"]
        self.fingerprint: str | None = fingerprint
        self.model_name = origin.model_name
        self.model_hash = origin.model_hash
        self.site = origin.site
        self._has_time = has_time
        self._shuffle_buffer: int | None = None

    def __len__(self) -> int:
        return self._segments.rows

    @property
    def fields(self) -> frozenset[str]:
        """Names of what batches can hold beside x; with an order of time, also IN_TIME."""
        field_names = frozenset(self.field_widths) - {"x"}
        return field_names | IN_TIME if self._has_time else field_names

    def batches(
        self,
        needs: frozenset[str],
        batch: int,
        *,
        lag: Lag = 1,
        window: int = WINDOW,
        seed: int = 0,
        epochs: int | None = 1,
        skip: int = 0,
    ) -> Iterator[Batch]:
        """Shuffled batches of every field; neighbours and segments as in `batching.batches`."""
        paired = "earlier" in needs and "earlier" not in self.field_widths
        if "segments" in needs:
            division = SegmentBatching.of(batch, window, lag if paired else 0)
            shuffle = self._shuffle(WindowSamples(division.length), seed)
            windows = shuffle.batches(division.windows, epochs, skip)
            return (self._batch_of_segments(division, *padded) for padded in windows)
        shuffle = self._shuffle(PairSamples(lag) if paired else RowSamples(), seed)
        samples = shuffle.batches(batch, epochs, skip)
        if paired:
            return (self._split(pair[:, 1], pair[:, 0, : self.d]) for (pair,) in samples)
        return (self._split(wide) for (wide,) in samples)

    def rows(
        self, batch: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch d"]]:
        """Shuffled rows of x alone."""
        shuffle = self._shuffle(RowSamples(), seed)
        return (x[..., : self.d] for (x,) in shuffle.batches(batch, epochs, skip))

    def pairs(
        self, batch: int, lag: Lag = 1, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[Float[Tensor, "batch 2 d"]]:
        """Shuffled pairs of x alone."""
        shuffle = self._shuffle(PairSamples(lag), seed)
        return (x[..., : self.d] for (x,) in shuffle.batches(batch, epochs, skip))

    def windows(
        self, batch: int, length: int, seed: int = 0, epochs: int | None = 1, skip: int = 0
    ) -> Iterator[tuple[Float[Tensor, "batch time d"], Bool[Tensor, "batch time"]]]:
        """Shuffled segments of time of x alone, with their mask."""
        shuffle = self._shuffle(WindowSamples(length), seed)
        return ((x[..., : self.d], mask) for x, mask in shuffle.batches(batch, epochs, skip))

    def _batch_of_segments(self, division: SegmentBatching, windows: Tensor, mask: Tensor) -> Batch:
        wide, earlier, segments = division.unpack(windows, mask)
        batch = self._split(wide, earlier[:, : self.d] if division.lag else None)
        return replace(batch, segments=segments)

    def _split(self, wide: Tensor, earlier: Tensor | None = None) -> Batch:
        columns = wide.split(list(self.field_widths.values()), dim=1)
        fields = dict(zip(self.field_widths, columns, strict=True))
        if "labels" in fields:
            fields["labels"] = fields["labels"].squeeze(1).long()
        if earlier is not None:
            fields["earlier"] = earlier
        return Batch(**{name: field.contiguous() for name, field in fields.items()})

    def _shuffle(self, kind: SampleKind, seed: int) -> Shuffle:
        if kind.name != RowSamples.name and not self._has_time:
            raise DataError(
                f"{kind.name} need the order of time, and fields of shape [rows, d] have none. "
                "Give [sequences, time, d], or stores"
            )
        return Shuffle(
            kind, self._reader, self._segments, seed, self._shuffle_buffer, self._first_rows
        )

    def with_shuffle_buffer(self, size: int) -> NamedTensorSource:
        """The same source with another size of the shuffle buffer, in bytes."""
        view = copy(self)
        view._shuffle_buffer = size
        return view


def named_tensor_source(fields: Mapping[str, Any]) -> NamedTensorSource:
    """A source of tensors by name: `{"x": [rows, d_in], "target": [rows, d_out], ...}`.

    Every one is [rows, d] or [sequences, time, d], labels without the last axis or with it.

    Errors: UnknownNameError for a name that no batch holds; DataError where there is no x, where
    rows differ in number, or values cannot be used.
    """
    for name in fields:
        check_field(name)
    if "x" not in fields or "downstream" in fields:
        raise DataError(
            f"got the fields {', '.join(fields) or 'none'}, expected tensors by name, x among "
            "them; give functions with an iterator of sparsetime.Batch"
        )
    arrays = {name: as_tensor(value, f"the field {name!r}") for name, value in fields.items()}
    x = arrays["x"]
    ordered = {"x": x, **arrays}
    tensors = {name: _checked(name, value, x) for name, value in ordered.items()}
    digest = hashlib.sha256()
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)} {list(x.shape)}".encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy().data)
    wide = tensors["x"] if len(tensors) == 1 else torch.cat(list(tensors.values()), 1)
    time = x.shape[-2]
    segments = Segments.even(wide.shape[0] // time, time)
    widths = {name: tensor.shape[1] for name, tensor in tensors.items()}
    return NamedTensorSource(TensorReader(wide), segments, widths, digest.hexdigest(), x.ndim == 3)


def _checked(name: str, values: Tensor, x: Tensor) -> Float[Tensor, "rows d"]:
    """The field as [rows, d] of float32, or of x's dtype where it is as wide as that."""
    if x.ndim not in (2, 3) or x.numel() == 0 or not x.is_floating_point():
        raise DataError(
            "x must be floating point [rows, d] or [sequences, time, d], and not empty; it is "
            f"{str(x.dtype).removeprefix('torch.')} {list(x.shape)}"
        )
    leading = x.shape[:-1]
    if name == "labels":
        if values.is_floating_point():
            raise DataError("got floating-point labels, expected whole numbers")
        if values.numel() and int(values.abs().max()) >= _LARGEST_LABEL:
            raise DataError(
                f"got labels up to {int(values.abs().max()):,}, expected labels below "
                f"{_LARGEST_LABEL:,}; number the classes from 0"
            )
        if values.shape == leading:
            values = values[..., None]
    if values.shape[:-1] != leading:
        raise DataError(
            f"{name} has shape {list(values.shape)}, and x {list(x.shape)}: they must agree in "
            "all axes but the last"
        )
    flat = values.detach().cpu().reshape(-1, values.shape[-1]).float()
    check_finite(flat, name)
    return flat
