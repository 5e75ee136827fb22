"""Planted features: synthetic activations with known atoms, split by sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.lab.held_out_values import mark_held_out
from sparsetime.codes import SparseCode
from sparsetime.config import validated
from sparsetime.errors import ConfigError
from sparsetime.testbeds.atom_recovery import Recovery, recovery
from sparsetime.testbeds.synthetic.generate import SyntheticData, synthetic_data
from sparsetime.testbeds.synthetic.settings import SyntheticSettings

_HELD_OUT = 5  # one sequence in five
_SEQUENCES, _TIME = 50, 2000


@final
@dataclass(frozen=True, eq=False)
class PlantedFeatures:
    """Sparse sums of known atoms.

    train, held_out: rows in order of time, without common sequences. train_code, held_out_code:
    their true codes. atoms: the true atoms, of length one. truth: the generated data;
    `truth.features` has a row for each atom (kind, parent, ...).
    """

    truth: SyntheticData

    @property
    def atoms(self) -> Float[Tensor, "width d"]:
        return self.truth.atoms

    @property
    def d(self) -> int:
        return self.atoms.shape[1]

    @property
    def train(self) -> Float[Tensor, "rows d"]:
        return self.truth.activations[self._first :].flatten(0, 1)

    @property
    def held_out(self) -> Float[Tensor, "rows d"]:
        rows = self.truth.activations[: self._first].flatten(0, 1)
        return mark_held_out(rows, self.truth.activations)

    @property
    def held_out_sequences(self) -> tuple[Float[Tensor, "time d"], ...]:
        """Sequences of `held_out`, in order of time."""
        return self.truth.activations[: self._first].unbind()

    @property
    def train_code(self) -> SparseCode:
        rows = self.truth.code.rows
        return self.truth.code.reshape(rows).row_slice(self._first * self.truth.settings.time, rows)

    @property
    def held_out_code(self) -> SparseCode:
        code = self.truth.code
        return code.reshape(code.rows).row_slice(0, self._first * self.truth.settings.time)

    def recovery(self, atoms: Float[Tensor, "learnt d"]) -> Recovery:
        """One-to-one match of learnt with true atoms."""
        return recovery(atoms, self.atoms)

    @property
    def _first(self) -> int:
        return self.truth.settings.sequences // _HELD_OUT


def planted_features(seed: int, **settings: Any) -> PlantedFeatures:
    """Synthetic testbed with that seed, by default 50 sequences of 2,000 steps.

    settings: fields of `SyntheticSettings`: `d`, `width`, `families`, `circles`, `bidirectional`,
    `noise`, ... `longest=1` and `flutter=0` make steps nearly independent.

    Errors: ConfigError for settings that are unknown or out of range, or for fewer than five
    sequences, of which none could be held out.
    """
    chosen = validated(
        SyntheticSettings,
        {"sequences": _SEQUENCES, "time": _TIME, **settings, "seed": seed},
        "the settings of planted features",
    )
    if chosen.sequences < _HELD_OUT:
        raise ConfigError(
            f"got sequences={chosen.sequences}, expected at least {_HELD_OUT}, since one in "
            f"{_HELD_OUT} is held out; give more"
        )
    return PlantedFeatures(synthetic_data(chosen))
