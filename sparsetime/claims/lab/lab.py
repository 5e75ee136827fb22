"""Lab: what the check of a claim works with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.sources.as_source import as_source
from sparsetime.claims.lab import row_metrics
from sparsetime.claims.lab.match_l0 import search_coefficient
from sparsetime.claims.lab.planted_features import PlantedFeatures, planted_features
from sparsetime.claims.lab.splits import Splits
from sparsetime.claims.lab.training import train_briefly, train_with_snapshots
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.series.model import SITE
from sparsetime.testbeds.testbed import testbed


@final
class Lab:
    """Data, trainings and measures, in the words of a claim.

    Data that take long to make are made once, with a progress bar, and kept in the user's cache
    folder; settings that were searched are remembered as long as the lab lives. Whatever is chosen
    is chosen on `tuning_seed` and on `tuning` rows, never on a seed or on rows that are reported.
    """

    #: No reported seed is ever as high.
    tuning_seed = 1_000_003

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        """`tell` is told what is being made, in place of a progress bar."""
        self._tell = tell
        self._rows: dict[str, Splits] = {}
        self._found: dict[str, float] = {}

    def real(self, site: str = "encoder.layer.3") -> Splits:
        """all-MiniLM-L6-v2 reading English, some 200,000 tokens; rows of sites belong together."""
        return self._kept("prose", site)

    def code(self, site: str = "model.layers.1") -> Splits:
        """A small language model reading Python, 200,000 tokens; rows of sites belong together.

        `code().bed.model` is the model, for what needs its loss; `code().bed.labels` names what is
        known of each token.
        """
        return self._kept("python", site)

    def series(self, site: str = SITE) -> Splits:
        """A patch transformer reading counts of people in a city's streets, 390,000 steps.

        The held-out part is of whole years, those that the transformer never saw.
        """
        return self._kept("series", site, Splits.by_held_out_label)

    def planted(self, seed: int, **settings: Any) -> PlantedFeatures:
        """Sums of known atoms over time: see `sparsetime.claims.lab.planted_features`."""
        return planted_features(seed, **settings)

    def train(
        self, dictionary: Dictionary, data: Any, *, rows: int, seed: int, **settings: Any
    ) -> Dictionary:
        """The dictionary, trained in place: see `sparsetime.claims.lab.training.train_briefly`."""
        return train_briefly(dictionary, data, rows=rows, seed=seed, **settings)

    def train_with_snapshots(
        self,
        dictionary: Dictionary,
        data: Any,
        *,
        rows: int,
        seed: int,
        snapshots: int,
        **settings: Any,
    ) -> dict[int, Dictionary]:
        """What it was after so many rows: see `lab.training.train_with_snapshots`."""
        return train_with_snapshots(
            dictionary, data, rows=rows, seed=seed, snapshots=snapshots, **settings
        )

    def match_l0(
        self,
        make: Callable[[float], Dictionary],
        target: float,
        data: Any,
        tuning: Float[Tensor, "rows d"],
        *,
        rows: int,
        low: float = 1e-3,
        high: float = 1.0,
        **settings: Any,
    ) -> float:
        """The coefficient with which `make(coefficient)` ends at a mean L0 of `target`.

        Every try is a training on `data` with `tuning_seed`, measured on the rows `tuning`, so
        train with `rows` and `settings` as the claim does. Searched once and remembered for the
        same dictionary, data and settings.

        Errors: DataError where the target is not between the L0 at `low` and at `high`.
        """

        def l0_of(coefficient: float) -> float:
            made = make(coefficient)
            self.train(made, data, rows=rows, seed=self.tuning_seed, **settings)
            return self.l0(made, tuning)

        searched = [make(low).to_config(), as_source(data).fingerprint, target, rows, low, high]
        key = json.dumps([*searched, settings], sort_keys=True, default=str)
        if key not in self._found:
            self._found[key] = search_coefficient(l0_of, target, low, high)
        return self._found[key]

    fvu = staticmethod(row_metrics.fvu)
    l0 = staticmethod(row_metrics.l0)
    density = staticmethod(row_metrics.density)
    dead_share = staticmethod(row_metrics.dead_share)

    def _kept(
        self, name: str, site: str, parts: Callable[[Testbed], Splits] = Splits.by_document
    ) -> Splits:
        key = f"{name} {site}"
        if key not in self._rows:
            if self._tell:
                self._tell(f"opening {name}, {site}; made the first time, which takes minutes")
            self._rows[key] = parts(testbed(name, progress=self._tell is None, site=site))
        return self._rows[key]
