"""Leaderboard: its entries, and its files leaderboard.json and leaderboard.parquet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from pydantic import ValidationError

from sparsetime.comparison.entry import SCHEMA_VERSION, LeaderboardEntry, ProbeAccuracy
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.config import validated
from sparsetime.errors import ConfigError, DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.files.formats import table_bytes
from sparsetime.training.config import upgrade_saved_config

if TYPE_CHECKING:
    import pyarrow as pa

RECORD, TABLE = "leaderboard.json", "leaderboard.parquet"


@final
@dataclass(frozen=True)
class Leaderboard:
    """All cells of a finished leaderboard, in the folder `path`.

    references: by testbed, probe accuracy of the raw activations and of random dictionaries.
    """

    path: str
    settings: LeaderboardSettings
    entries: tuple[LeaderboardEntry, ...]
    references: dict[str, list[ProbeAccuracy]]

    def of(self, bed: str, width: int, recipe: str, seed: int) -> list[LeaderboardEntry]:
        """The entries of one frontier, by k."""
        identity = (bed, width, recipe, seed)
        entries = [
            entry
            for entry in self.entries
            if (entry.cell.bed, entry.cell.width, entry.cell.recipe, entry.cell.seed) == identity
        ]
        return sorted(entries, key=lambda entry: entry.cell.k)

    def at_middle_k(self, bed: str, width: int, recipe: str) -> list[LeaderboardEntry]:
        """The entries of all seeds with the k in the middle."""
        k = self.settings.middle_k
        return [
            entry
            for seed in self.settings.seeds
            for entry in self.of(bed, width, recipe, seed)
            if entry.cell.k == k
        ]

    def table(self) -> pa.Table:
        """A row per cell: its settings and every metric, null where one was left out."""
        import pyarrow as pa

        names = list(dict.fromkeys(name for entry in self.entries for name in entry.metrics))
        rows = [
            {
                **entry.cell.model_dump(),
                **{name: entry.metrics.get(name) for name in names},
                "seconds": entry.seconds,
            }
            for entry in self.entries
        ]
        return pa.Table.from_pylist(rows)

    def save(self) -> None:
        """Write leaderboard.json (everything) and leaderboard.parquet (the table)."""
        folder = Folder(self.path)
        folder.write_bytes(TABLE, table_bytes(self.table(), SCHEMA_VERSION))
        folder.write_json(RECORD, self._json(), SCHEMA_VERSION)

    @staticmethod
    def open(path: str) -> Leaderboard:
        """Read a saved leaderboard.

        Errors: StoreError where there is none or one of another version; DamagedError where it does
        not read as a leaderboard.
        """
        folder = Folder(path)
        if not folder.exists(RECORD):
            raise StoreError(
                f"{path} holds no {RECORD}; sparsetime.leaderboard writes one when all is measured"
            )
        value = folder.read_json(RECORD, again="Repeat the leaderboard; measured cells are kept")
        if not isinstance(value, dict) or "schema_version" not in value:
            raise DamagedError(f"{path}/{RECORD} is not the record of a leaderboard")
        if value["schema_version"] != SCHEMA_VERSION:
            raise StoreError(
                f"{path}/{RECORD} has the schema {value['schema_version']}; this sparsetime reads "
                f"{SCHEMA_VERSION}"
            )
        try:
            settings = value["settings"]
            settings["train"] = upgrade_saved_config(settings["train"])
            return Leaderboard(
                path,
                validated(LeaderboardSettings, settings),
                tuple(LeaderboardEntry.model_validate(entry) for entry in value["entries"]),
                {
                    bed: [ProbeAccuracy.model_validate(accuracy) for accuracy in some]
                    for bed, some in value["references"].items()
                },
            )
        except (KeyError, TypeError, AttributeError, ValidationError, ConfigError) as error:
            raise DamagedError(
                f"{path}/{RECORD} is not the record of a leaderboard: {error}"
            ) from None

    def _json(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "settings": self.settings.model_dump(mode="json"),
            "references": {
                bed: [accuracy.model_dump() for accuracy in some]
                for bed, some in self.references.items()
            },
            "entries": [entry.model_dump(mode="json") for entry in self.entries],
        }
