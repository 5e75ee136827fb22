"""Energy of a computation by a table of energies for an operation: a model, and no measurement."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import final

import numpy as np

from sparsetime.computation.cost_table import CostTable
from sparsetime.errors import unknown_name


@final
@dataclass(frozen=True)
class EnergyTable:
    """Picojoule for a multiplication with its addition, by precision, and for 32 bits of memory.

    source: where the numbers come from.
    """

    float32: float
    int8: float
    memory: float
    source: str


#: Tables by name.
ENERGY_TABLES = MappingProxyType(
    {
        "45nm": EnergyTable(
            4.6,
            0.23,
            640.0,
            "Horowitz 2014, Computing's energy problem: 45 nm, 0.9 V; 32 bits of DRAM",
        )
    }
)


@final
@dataclass(frozen=True)
class Energy:
    """Energy of a step in microjoule, of the sparse model and its twins, and the table used.

    sparse: what is needed, in float32, with weights of the bits that they are read in.
    dense: all weights, in float32. int8: all, in 8 bits.
    """

    sparse: float
    dense: float
    int8: float
    table: EnergyTable

    def __str__(self) -> str:
        return (
            f"{self.sparse:.3g} uJ a step, dense {self.dense:.3g} uJ, dense in int8 "
            f"{self.int8:.3g} uJ; computed from {self.table.float32} pJ a multiplication in "
            f"float32, {self.table.int8} in int8, {self.table.memory} pJ for 32 bits of memory "
            f"({self.table.source}); not measured"
        )


def energy(cost: CostTable, table: str = "45nm") -> Energy:
    """Energy of a mean step at batch 1, beside a dense and an int8 twin.

        E = macs * (energy of a multiplication) + bytes / 4 * (energy of 32 bits of memory)

    Every weight that is needed is read from memory once a step. Places of kept weights, activations
    and everything that `cost` does not count are left out, so that the twins are the comparison,
    and no number is one of a real device.

    Errors: UnknownNameError for an unknown table.
    """
    if table not in ENERGY_TABLES:
        raise unknown_name("table of energies", table, ENERGY_TABLES)
    chosen = ENERGY_TABLES[table]
    macs = float(cost.table["macs"].to_numpy().sum())
    dense = float(cost.table["dense_macs"].to_numpy().sum())
    steps = len(np.unique(np.stack([cost.table[c].to_numpy() for c in ("sequence", "position")]),
                          axis=1).T)  # fmt: skip

    def joule(count: float, operation: float, read: float) -> float:
        return float((count * operation + read / 4 * chosen.memory) / steps / 1e6)

    return Energy(
        sparse=joule(macs, chosen.float32, float(cost.table["bytes"].to_numpy().sum())),
        dense=joule(dense, chosen.float32, 4 * dense),
        int8=joule(dense, chosen.int8, dense),
        table=chosen,
    )
