"""Batch: rows of activations for one training step, with targets, neighbours or labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import DataError, unknown_name
from sparsetime.segments import Segments
from sparsetime.tensors import as_tensor

#: Every field that a batch can hold beside `x`, and how to provide it.
HOW_TO_PROVIDE = {
    "target": "the activations to reconstruct at another site: "
    "sparsetime.paired_sites(x=store, target=other_store) of one capture with several sites, or "
    '{"x": [rows, d_in], "target": [rows, d_out]}',
    "earlier": "each row's neighbour one lag before, or another positive partner: a store, a "
    'tensor [sequences, time, d], pairs [rows, 2, d], or {"x": ..., "earlier": [rows, d_in]}',
    "segments": "the segments of contiguous rows: a store, a tensor [sequences, time, d], or "
    "an iterator of sparsetime.Batch(x=..., segments=sparsetime.Segments.of_lengths([...]))",
    "gradient": "the gradient of the model's loss at every row: "
    '{"x": [rows, d_in], "gradient": [rows, d_in]}',
    "labels": 'labels of every row, as whole numbers: {"x": [rows, d_in], "labels": [rows]}',
    "downstream": "a function from a reconstruction of the batch's rows to the model's loss: an "
    "iterator of sparsetime.Batch(x=..., downstream=...)",
}


@dataclass(frozen=True)
class Batch:
    """Rows of raw activations and further fields of the same rows.

    x: [rows, d_in]. target: [rows, d_out], the activations at the site that is reconstructed,
    where it is another than x's. earlier: [rows, d_in], each row's neighbour one lag before, or any
    other row that should have a similar code. gradient: [rows, d_in], of the model's loss at x.
    labels: whole numbers, [rows] or [rows, kinds]. downstream: a differentiable function from a
    reconstruction [rows, d_out] of the rows to the model's loss []. segments: contiguous rows of
    x in time; `earlier` has the same segments.

    Errors: DataError where rows differ in number, or the dtypes are wrong.
    """

    # Row counts are compared below with a better message: "_" leaves them unchecked here.
    x: Float[Tensor, "_rows d_in"]
    target: Float[Tensor, "_rows d_out"] | None = None
    earlier: Float[Tensor, "_rows d_in"] | None = None
    gradient: Float[Tensor, "_rows d_in"] | None = None
    labels: Int[Tensor, _rows * kinds] | None = None
    downstream: Callable[[Float[Tensor, "rows d_out"]], Float[Tensor, ""]] | None = None
    segments: Segments | None = None

    def __post_init__(self) -> None:
        for name, tensor in self.tensors.items():
            object.__setattr__(self, name, as_tensor(tensor, f"the {name} of a batch"))
        self.__dict__.pop("tensors")
        for name, tensor in self.tensors.items():
            if tensor.shape[0] != self.x.shape[0]:
                raise DataError(
                    f"all of a batch has the same rows: x has {self.x.shape[0]}, {name} has shape "
                    f"{list(tensor.shape)}"
                )
        if self.segments is not None and self.segments.rows != self.rows:
            raise DataError(
                f"the segments of a batch hold all of its rows: x has {self.rows}, the segments "
                f"end at {self.segments.rows}"
            )

    @staticmethod
    def of(rows: Batch | Float[Tensor, "rows d"] | Float[Tensor, "rows 2 d"]) -> Batch:
        """A batch unchanged, rows [rows, d] as x, or pairs [rows, 2, d] as earlier and x."""
        if isinstance(rows, Batch):
            return rows
        return Batch(rows) if rows.dim() == 2 else Batch(rows[:, 1], earlier=rows[:, 0])

    def to(self, device: torch.device) -> Batch:
        """The same batch with all of its tensors on a device; itself where they are there."""
        if self.x.device == device:
            return self
        moved: dict[str, Any] = {name: tensor.to(device) for name, tensor in self.tensors.items()}
        if self.segments is not None:
            moved["segments"] = Segments(self.segments.offsets.to(device))
        return dataclasses.replace(self, **moved)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.x.shape[0]

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """The tensor fields by name."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in named.items() if isinstance(value, Tensor)}

    @property
    def fields(self) -> frozenset[str]:
        """Names of the fields present beside x."""
        return frozenset(name for name in HOW_TO_PROVIDE if getattr(self, name) is not None)

    @property
    def site_rows(self) -> Float[Tensor, "some d_in"]:
        """All rows of x's site: x, interleaved with `earlier` where there are no segments."""
        if self.earlier is None or self.segments is not None:
            return self.x
        return torch.stack([self.earlier, self.x], 1).flatten(0, 1)


def check_needs(needs: frozenset[str], fields: frozenset[str], who: str, source: str) -> None:
    """Errors: DataError where a needed field is missing, with how to provide it."""
    lacking = sorted(needs - fields)
    if lacking:
        instructions = "; ".join(f"{name}, {HOW_TO_PROVIDE[name]}" for name in lacking)
        raise DataError(
            f"{who} needs {' and '.join(lacking)}, which {source} does not give. "
            f"Give {instructions}"
        )


def check_field(name: str) -> None:
    """Errors: UnknownNameError for a name that is no field of a batch."""
    if name != "x" and name not in HOW_TO_PROVIDE:
        raise unknown_name("field of a batch", name, ["x", *HOW_TO_PROVIDE])
