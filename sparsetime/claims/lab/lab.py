"""Lab: data, short trainings and metrics for the check of a claim."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, final

from jaxtyping import Float
from torch import Tensor

from sparsetime.activations.sources.as_source import as_source
from sparsetime.claims.lab import row_metrics
from sparsetime.claims.lab.held_out_values import HeldOutValue, is_held_out
from sparsetime.claims.lab.match_l0 import search_coefficient
from sparsetime.claims.lab.planted_features import PlantedFeatures, planted_features
from sparsetime.claims.lab.splits import Splits
from sparsetime.claims.lab.training import train_briefly, train_with_snapshots
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.testbeds.base import Testbed
from sparsetime.testbeds.series.model import SITE
from sparsetime.testbeds.testbed import testbed

if TYPE_CHECKING:
    from sparsetime.claims.lab.nulls import Null


@final
class Lab:
    """Data, short trainings and metrics of claims.

    Testbeds are built once and kept in the user's cache folder. Coefficients that were searched are
    kept as long as the object. Settings are chosen on `tuning_seed` and on `tuning` rows, never on
    a seed or on rows that are reported.
    """

    #: Above every reported seed.
    tuning_seed = 1_000_003

    def __init__(self, on_progress: Callable[[str], None] | None = None) -> None:
        """on_progress: called with a line before slow work, in place of a progress bar."""
        self._null: Null | None = None
        self._on_progress = on_progress
        self._splits: dict[str, Splits] = {}
        self._coefficients: dict[str, float] = {}
        #: Names of the dictionaries that were trained, which are those of their recipes.
        self.trained: set[str] = set()
        #: Trainings that a null has changed.
        self.changed_trainings = 0

    def under(self, null: Null) -> Lab:
        """A lab with the same data whose trainings are those of a null."""
        other = copy.copy(self)
        other._null, other._coefficients = null, {}
        other.changed_trainings = 0
        return other

    def real(self, site: str = "encoder.layer.3") -> Splits:
        """all-MiniLM-L6-v2 reading English, 200,000 tokens; row r is one token at all sites."""
        return self._open("prose", site)

    def code(self, site: str = "model.layers.1") -> Splits:
        """Language model reading Python, 200,000 tokens; row r is one token at all sites.

        `code().bed.model` is the model; `code().bed.labels` names the labels of each token.
        """
        return self._open("python", site)

    def english(self, site: str = "model.layers.10") -> Splits:
        """SmolLM2-135M-Instruct reading English documentation, 109,000 tokens."""
        return self._open("english", site)

    def sentences(self, site: str = "model.layers.14") -> Splits:
        """SmolLM2-135M-Instruct reading labelled English sentences, 80,000 tokens.

        `sentences().bed.model` is the model with its head; the labels are `table` and `label`.
        """
        return self._open("sentences", site)

    def series(self, site: str = SITE) -> Splits:
        """Patch transformer reading hourly counts of pedestrians in a city, 390,000 steps.

        The held-out part consists of whole years that the transformer was not trained on.
        """
        return self._open("series", site, Splits.by_held_out_label)

    def planted(self, seed: int, **settings: Any) -> PlantedFeatures:
        """Sums of known atoms over time: see `sparsetime.claims.lab.planted_features`."""
        return planted_features(seed, **settings)

    def train(
        self, dictionary: Dictionary, data: Any, *, rows: int, seed: int, **settings: Any
    ) -> Dictionary:
        """Trains a dictionary in place and returns it: see `lab.training.train_briefly`."""
        if self._null is not None:
            rows, settings = self._null.change(dictionary, data, rows, seed, settings)
            self.changed_trainings += 1
        self.trained.add(dictionary.name)
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
        """Dictionary by number of rows: see `lab.training.train_with_snapshots`."""
        settings = {**settings, "snapshots": snapshots}
        if self._null is not None:
            rows, settings = self._null.change(dictionary, data, rows, seed, settings)
            self.changed_trainings += 1
        self.trained.add(dictionary.name)
        return train_with_snapshots(dictionary, data, rows=rows, seed=seed, **settings)

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
        """Coefficient for which a trained `make(coefficient)` has a mean L0 of `target`.

        Each try trains on `data` with `tuning_seed` and measures L0 on the rows `tuning`, so give
        the `rows` and `settings` of the claim's own training. Searched once for the same
        dictionary, data and settings.

        Errors: DataError where the target is not between the L0 at `low` and at `high`.
        """

        def l0_of(coefficient: float) -> float:
            sae = make(coefficient)
            self.train(sae, data, rows=rows, seed=self.tuning_seed, **settings)
            return self.l0(sae, tuning)

        searched = [make(low).to_config(), as_source(data).fingerprint, target, rows, low, high]
        key = json.dumps([*searched, settings], sort_keys=True, default=str)
        if self._null is not None and not self._null.searches:
            return math.sqrt(low * high)
        if key not in self._coefficients:
            self._coefficients[key] = search_coefficient(l0_of, target, low, high)
        return self._coefficients[key]

    def fvu(
        self,
        dictionary: Dictionary,
        x: Float[Tensor, "rows d_in"],
        target: Float[Tensor, "rows d_out"] | None = None,
    ) -> float:
        """See `row_metrics.fvu`. On held-out rows a `HeldOutValue`, as the two below."""
        return _of_rows(x, row_metrics.fvu(dictionary, x, target))

    def l0(self, dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> float:
        """See `row_metrics.l0`."""
        return _of_rows(x, row_metrics.l0(dictionary, x))

    def dead_share(self, dictionary: Dictionary, x: Float[Tensor, "rows d"]) -> float:
        """See `row_metrics.dead_share`."""
        return _of_rows(x, row_metrics.dead_share(dictionary, x))

    density = staticmethod(row_metrics.density)

    def _open(
        self, name: str, site: str, parts: Callable[[Testbed], Splits] = Splits.by_document
    ) -> Splits:
        key = f"{name} {site}"
        if key not in self._splits:
            if self._on_progress:
                self._on_progress(
                    f"opening {name}, {site}; made the first time, which takes minutes"
                )
            self._splits[key] = parts(testbed(name, progress=self._on_progress is None, site=site))
        return self._splits[key]


def _of_rows(x: Tensor, value: float) -> float:
    return HeldOutValue(value) if is_held_out(x) else value
