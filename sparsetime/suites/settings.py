"""Settings of a suite: sites, recipe, widths, capture and training."""

from __future__ import annotations

from typing import Any, Literal, final

from pydantic import Field, PositiveInt

from sparsetime.config import Settings
from sparsetime.training.config import TrainConfig


@final
class SuiteCapture(Settings):
    """Capture settings of a suite: see `sparsetime.capture`."""

    window: PositiveInt | None = Field(None, description="longest segment run at once, steps")
    overlap: int = Field(0, ge=0, description="steps of context before a window")
    batch: PositiveInt = Field(32, description="windows run at once")
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    time_axis: Literal[0, 1, 2] = Field(1, description="where time stands in a site's tensor")


class SuiteSettings(Settings):
    """One recipe for every site, at one width or several.

    sites: names or patterns (`layers.*`). settings: the recipe's own, such as `{"k": 32}`. seed: of
    the initial weights, which differ between sites and widths; that of the order of rows, which
    does not, is `train.seed`.
    """

    sites: list[str] = Field(min_length=1)
    recipe: str = "topk"
    width: list[PositiveInt] = Field(min_length=1)
    settings: dict[str, Any] = Field(default_factory=dict)
    capture: SuiteCapture = SuiteCapture()
    train: TrainConfig = TrainConfig()
    held_out: float = Field(0.1, gt=0, lt=1, description="share of the documents to measure on")
    split_seed: int = 0
    seed: int = 0
