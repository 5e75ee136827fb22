"""What every testbed gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from sparsetime.activations.store import Store
from sparsetime.evaluation.testbeds.orchestra import Orchestra
from sparsetime.models.load import LoadedModel


@final
@dataclass(frozen=True, eq=False)
class Testbed:
    """Activations over time, and what is known about every step of them.

    store: the activations; `store.split()` splits by document. labels: names of step columns and
    sequence labels of the store, from those that change with every step to those that hold for a
    whole sequence. model: what the activations were captured from, None where they are made up.
    truth: the planted features, None where nobody planted any; row `i` of its code is row `i` of
    the store.
    """

    name: str
    store: Store
    labels: tuple[str, ...]
    model: LoadedModel | None = None
    truth: Orchestra | None = None
