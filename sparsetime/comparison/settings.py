"""Leaderboard settings: recipes, grid, and the terms that are equal for all cells."""

from __future__ import annotations

from typing import Any

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from sparsetime.config import Settings
from sparsetime.testbeds.testbed import EARLIER_NAMES
from sparsetime.training.config import TrainConfig

RECIPES = (
    "batch_topk",
    "topk",
    "matryoshka_batch_topk",
    "temporal_matryoshka",
    "slow_fast",
    "delta",
    "hysteresis",
    "temporal_feature_analysis",
)
LADDER = {
    "python": ["kind", "in_docstring", "indentation_depth", "function", "module"],
    "prose": ["kind", "section", "name"],
    "series": ["hour", "weekday", "lockdown", "season"],
}


class LeaderboardSettings(Settings):
    """The grid (recipes, widths, ks, seeds) and the terms that are equal for all its cells.

    beds, recipes: names with settings of their own, or names alone. Every recipe takes `k`. A grid
    can grow in a leaderboard that exists; its terms cannot change.
    """

    recipes: dict[str, dict[str, Any]] = Field(default={name: {} for name in RECIPES}, min_length=2)
    widths: list[PositiveInt] = Field([1024, 4096], min_length=1)
    ks: list[PositiveInt] = Field([8, 16, 32, 64], min_length=1)
    seeds: list[NonNegativeInt] = Field([0, 1, 2], min_length=1)
    beds: dict[str, dict[str, Any]] = Field(
        default={name: {} for name in ("synthetic", "python", "prose", "series")}, min_length=1
    )
    train: TrainConfig = TrainConfig(rows=1_000_000, batch=1024)
    held_out: float = Field(0.1, gt=0, lt=1, description="share of the sequences to measure on")
    ladder: dict[str, list[str]] = Field(LADDER, description="labels to probe, by testbed")
    baseline: str = Field("batch_topk", description="the recipe that all others are compared with")
    tolerance: float = Field(
        0.05, gt=0, description="share by which L0 or FVU may differ where they count as equal"
    )

    @field_validator("beds", "recipes", mode="before")
    @classmethod
    def _names_alone(cls, recipes: Any) -> Any:
        return {name: {} for name in recipes} if isinstance(recipes, list | tuple) else recipes

    @field_validator("widths", "ks", "seeds")
    @classmethod
    def _in_order(cls, numbers: list[int]) -> list[int]:
        return sorted(set(numbers))

    @model_validator(mode="before")
    @classmethod
    def _labels_of_earlier_names(cls, values: Any) -> Any:
        """Probe a testbed under its earlier name as under its name, unless its labels are given."""
        if not isinstance(values, dict) or "ladder" in values:
            return values
        beds = values.get("beds", ())
        earlier = {
            bed: LADDER[name]
            for bed, name in EARLIER_NAMES.items()
            if bed in beds and name in LADDER
        }
        return {**values, "ladder": {**LADDER, **earlier}}

    @model_validator(mode="after")
    def _baseline_takes_part(self) -> LeaderboardSettings:
        if self.baseline not in self.recipes:
            raise ValueError(
                f"the baseline {self.baseline!r} is not among the recipes "
                f"({', '.join(self.recipes)}); add it, or name another baseline"
            )
        return self

    @property
    def middle_k(self) -> int:
        """The k at which recipes are looked at where they are not looked at along k."""
        return self.ks[(len(self.ks) - 1) // 2]


#: What two cores can do in twenty minutes: `st.leaderboard("runs/board", **SMALL)`.
SMALL: dict[str, Any] = {
    "recipes": [name for name in RECIPES if name != "topk"],
    "widths": [256],
    "ks": [4, 8, 16],
    "seeds": [0, 1, 2],
    "beds": {
        "synthetic": {"sequences": 100, "time": 1000},
        "python": {"tokens": 60_000, "longest": 20_000},
        "prose": {"characters": 250_000},
        "series": {"steps": 100_000},
    },
    # The default is half as high again; nested dictionaries and series do better with less.
    "train": {"rows": 60_000, "batch": 256, "learning_rate": 5e-3},
    "ladder": {
        "python": ["kind", "in_docstring", "module"],
        "prose": ["kind", "name"],
        "series": ["hour", "weekday", "lockdown", "season"],
    },
}
