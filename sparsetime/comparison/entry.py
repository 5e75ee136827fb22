"""Leaderboard entries: one training run with its metrics, each in a file of its own."""

from __future__ import annotations

from typing import Any, final

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from sparsetime.comparison.grid import GridCell
from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.training.config import upgrade_saved_config

SCHEMA_VERSION = 1
CELLS = "cells"


@final
class ProbeAccuracy(BaseModel):
    """Accuracy of a linear probe: one label from one reader, in short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    reader: str
    accuracy: float
    baseline: float


@final
class DwellOctave(BaseModel):
    """The planted features with a mean dwell from `dwell` steps to twice as many.

    recovered: the share with a matching atom. found: the median dwell of the matching latents of
    those, None where none is recovered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dwell: float
    features: int
    recovered: float
    found: float | None


@final
class LeaderboardEntry(BaseModel):
    """The metrics of one training run of the grid.

    terms: the settings of training, recipe, testbed and measurement. metrics: by name, those of
    `sparsetime.evaluate` and, on the synthetic testbed, of planted features; left_out: the reason
    of each missing one. seconds: its share of the training, and its measurement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    cell: GridCell
    terms: dict[str, Any]
    metrics: dict[str, float]
    left_out: dict[str, str]
    probes: list[ProbeAccuracy]
    octaves: list[DwellOctave]
    seconds: float

    @field_validator("terms")
    @classmethod
    def _upgrade_train_config(cls, terms: dict[str, Any]) -> dict[str, Any]:
        if "train" not in terms:
            return terms
        return {**terms, "train": upgrade_saved_config(terms["train"])}

    @model_validator(mode="before")
    @classmethod
    def _rename_figures(cls, record: Any) -> Any:
        """Files of 0.1.0 have the metrics under "figures"."""
        if isinstance(record, dict) and "figures" in record:
            others = {key: value for key, value in record.items() if key != "figures"}
            return {"metrics": record["figures"], **others}
        return record

    def save(self, folder: Folder) -> None:
        """Write it into the leaderboard's folder, whole or not at all."""
        folder.write_json(_path(self.cell), self.model_dump(mode="json"), SCHEMA_VERSION)


def saved_entry(folder: Folder, cell: GridCell, terms: dict[str, Any]) -> LeaderboardEntry | None:
    """The saved entry of the cell, None where there is none yet.

    Errors: DamagedError where the file is not an entry; StoreError where it has other terms, so
    that a comparison would be unequal.
    """
    name = _path(cell)
    if not folder.exists(name):
        return None
    try:
        again = "Remove it, and the cell is trained again"
        entry = LeaderboardEntry.model_validate(folder.read_json(name, SCHEMA_VERSION, again))
    except ValidationError as error:
        raise DamagedError(
            f"{folder.url}/{name} is no record of a leaderboard's cell; remove it, and it is "
            f"trained again: {error.errors(include_url=False)[0]['msg']}"
        ) from None
    if entry.terms != terms:
        other = sorted(key for key in terms if entry.terms.get(key) != terms[key])
        raise StoreError(
            f"{folder.url}/{name} was made with another {' and another '.join(other)}; cells are "
            "compared on equal terms only. Choose another folder"
        )
    return entry


def _path(cell: GridCell) -> str:
    return f"{CELLS}/{cell.bed}/{cell.name}.json"
