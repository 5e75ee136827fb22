"""Batch: what one training step is given, beside the activations themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime.errors import DataError, unknown_name
from sparsetime.segments import Segments

#: Everything a batch can hold beside `x`, and how to give it.
HOW_TO_PROVIDE = {
    "target": "the activations to reconstruct at another site: "
    "sparsetime.paired_sites(x=store, target=other_store) of one capture with several sites, or "
    '{"x": [rows, d_in], "target": [rows, d_out]}',
    "earlier": "each row's neighbour one lag before, or another positive partner: a store, a "
    'tensor [sequences, time, d], pairs [rows, 2, d], or {"x": ..., "earlier": [rows, d_in]}',
    "segments": "which rows follow each other in time: a store, a tensor [sequences, time, d], or "
    "an iterator of sparsetime.Batch(x=..., segments=sparsetime.Segments.of_lengths([...]))",
    "gradient": "the gradient of the model's loss at every row: "
    '{"x": [rows, d_in], "gradient": [rows, d_in]}',
    "labels": 'what is known of every row, as whole numbers: {"x": [rows, d_in], "labels": [rows]}',
    "downstream": "a function from a reconstruction of the batch's rows to the model's loss: an "
    "iterator of sparsetime.Batch(x=..., downstream=...)",
}


@dataclass(frozen=True)
class Batch:
    """Rows of raw activations, and what else is known of them; all share their rows.

    x: [rows, d_in]. target: [rows, d_out], the activations at the site that is reconstructed,
    where it is another than x's. earlier: [rows, d_in], each row's neighbour one lag before, or any
    other row that should have a similar code. gradient: [rows, d_in], of the model's loss at x.
    labels: whole numbers, [rows] or [rows, kinds]. downstream: a differentiable function from a
    reconstruction [rows, d_out] in the rows' place to the model's loss []. segments: which rows
    follow each other in time; the earlier rows, where both are given, do so alike.

    Errors: DataError where rows differ in number, or the dtypes are wrong.
    """

    # Rows are compared below, in words for those who give them: "_" leaves them unchecked here.
    x: Float[Tensor, "_rows d_in"]
    target: Float[Tensor, "_rows d_out"] | None = None
    earlier: Float[Tensor, "_rows d_in"] | None = None
    gradient: Float[Tensor, "_rows d_in"] | None = None
    labels: Int[Tensor, _rows * kinds] | None = None
    downstream: Callable[[Float[Tensor, "rows d_out"]], Float[Tensor, ""]] | None = None
    segments: Segments | None = None

    def __post_init__(self) -> None:
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
    def of(given: Batch | Float[Tensor, "rows d"] | Float[Tensor, "rows 2 d"]) -> Batch:
        """A batch as it is, rows [rows, d], or pairs [rows, 2, d] of which the later one counts."""
        if isinstance(given, Batch):
            return given
        return Batch(given) if given.dim() == 2 else Batch(given[:, 1], earlier=given[:, 0])

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.x.shape[0]

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """What is given, by name, without functions."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in named.items() if isinstance(value, Tensor)}

    @property
    def fields(self) -> frozenset[str]:
        """The names of what is given beside x."""
        return frozenset(name for name in HOW_TO_PROVIDE if getattr(self, name) is not None)

    @property
    def site_rows(self) -> Float[Tensor, "some d_in"]:
        """All rows of x's site: x, or x and the earlier ones in turns where x has no order."""
        if self.earlier is None or self.segments is not None:
            return self.x
        return torch.stack([self.earlier, self.x], 1).flatten(0, 1)


def check_needs(needs: frozenset[str], given: frozenset[str], who: str, source: str) -> None:
    """Errors: DataError where something is needed and not given; it says how to give it."""
    lacking = sorted(needs - given)
    if lacking:
        wanted = "; ".join(f"{name}, {HOW_TO_PROVIDE[name]}" for name in lacking)
        raise DataError(
            f"{who} needs {' and '.join(lacking)}, which {source} does not give. Give {wanted}"
        )


def check_field(name: str) -> None:
    """Errors: UnknownNameError for what no batch holds."""
    if name != "x" and name not in HOW_TO_PROVIDE:
        raise unknown_name("field of a batch", name, ["x", *HOW_TO_PROVIDE])
