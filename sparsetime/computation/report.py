"""Report of a sparse model: by matrix, what is left out and what that saves."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, final


@final
@dataclass(frozen=True)
class MatrixReport:
    """A weight matrix, or the inputs of one.

    name: in the model's state_dict. plan: what acts on it, "weights", "activations",
    "time" or "bits". structure: kind of the pattern of kept entries, the rule, or the grid. holds:
    whether the mask or the values have it. entries, kept: of the matrix, or mean inputs of a step.
    macs: multiplications of a row of inputs, with what is left out taken off; dense_macs: without.
    bytes: on disk, with kept values and a bit an entry; dense_bytes: of all values.
    """

    name: str
    plan: str
    structure: str
    holds: bool
    entries: float
    kept: float
    macs: float
    dense_macs: float
    bytes: int
    dense_bytes: int

    @property
    def sparsity(self) -> float:
        """The share that is left out."""
        return 1 - self.kept / self.entries


@final
@dataclass(frozen=True)
class SparsityReport:
    """A sparse model by matrix, in the order of its plans."""

    matrices: tuple[MatrixReport, ...]

    @property
    def sparsity(self) -> float:
        """The share of all weights that is left out; NaN without a plan of weights.

        Of plans of one matrix the one that keeps least counts: weights left out before stay so.
        """
        least: dict[str, MatrixReport] = {}
        for row in self.matrices:
            if row.plan == "weights":
                least[row.name] = min(row, least.get(row.name, row), key=lambda one: one.kept)
        entries = sum(row.entries for row in least.values())
        return 1 - sum(row.kept for row in least.values()) / entries if entries else math.nan

    @property
    def holds(self) -> bool:
        """Whether every mask has the structure of its plan."""
        return all(row.holds for row in self.matrices)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "sparsity": self.sparsity,
            "holds": self.holds,
            "matrices": [{**asdict(row), "sparsity": row.sparsity} for row in self.matrices],
        }

    def __str__(self) -> str:
        width = max((len(row.name) for row in self.matrices), default=4)
        lines = [
            f"{row.name:{width}}  {row.plan:11}  {row.structure:14}  {row.sparsity:6.1%}  "
            f"{'holds' if row.holds else 'BROKEN'}"
            for row in self.matrices
        ]
        total = "" if math.isnan(self.sparsity) else f"all weights: {self.sparsity:.1%} left out"
        return "\n".join([*lines, total])
