"""Settings of the demo run, as stored in the config.yaml of its folder."""

from __future__ import annotations

from typing import Any

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from sparsetime.config import Settings


class CaptureSettings(Settings):
    """Settings of the capture: site, windows and documents."""

    site: str = "encoder.layer.3"
    window: PositiveInt = 128
    overlap: int = Field(32, ge=0)
    dtype: str = "float16"
    documents: PositiveInt | None = Field(
        None, description="number of documents, from the first; None: all"
    )


class DictionarySettings(Settings):
    """Settings of all dictionaries, and of each recipe."""

    width: PositiveInt = 3072
    k: PositiveInt = 16
    seed: int = 0
    recipes: dict[str, dict[str, Any]] = Field(
        default={
            "batch_topk": {},
            "temporal_matryoshka": {},
            # As many predicted latents as novel ones, and a narrow attention: a demo is short.
            "temporal_feature_analysis": {"predicted": 16, "inner": 64, "past": 32},
            "delta": {},
        },
        description="settings of each recipe, by name",
    )


class TrainSettings(Settings):
    """Settings of the training of all dictionaries; see `TrainConfig`."""

    rows: PositiveInt = 1_000_000
    batch: PositiveInt = 2048
    learning_rate: PositiveFloat | None = None
    seed: int = 0
    snapshots: NonNegativeInt = Field(
        6, description="snapshots of each dictionary during training; each takes some ten megabytes"
    )


class DemoSettings(Settings):
    """Settings of the whole demo run."""

    capture: CaptureSettings = CaptureSettings()
    dictionary: DictionarySettings = DictionarySettings()
    train: TrainSettings = TrainSettings()
    held_out: float = Field(0.1, gt=0, lt=1, description="share of documents kept from training")
    split_seed: int = 0
