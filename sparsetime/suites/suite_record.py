"""Suite and its entries: the saved record suite.json and the table suite.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, final

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.serialise import load
from sparsetime.errors import DamagedError, StoreError, unknown_name
from sparsetime.files import Folder
from sparsetime.training.config import upgrade_saved_config

SCHEMA_VERSION = 1
RECORD, TABLE = "suite.json", "suite.md"


@final
@dataclass(frozen=True)
class SuiteEntry:
    """One dictionary of a suite.

    pattern: the pattern that matched its site; depth: its place among that pattern's sites, from 0.
    folder: its folder within the suite's. sha256: of its weights. fvu, l0, dead: as
    `sparsetime.evaluate` defines them, on held-out documents. ce_increase: the increase in
    cross-entropy in nats per token, with its reconstruction at the site, by context and model.
    """

    site: str
    pattern: str
    depth: int
    width: int
    folder: str
    sha256: str
    fvu: float
    l0: float
    dead: float
    ce_increase: Mapping[str, float] = field(default_factory=dict)


@final
@dataclass(frozen=True)
class Suite:
    """The dictionaries of a suite, in the folder `path`.

    about: the settings, the model's name and hash.
    """

    path: str
    entries: tuple[SuiteEntry, ...]
    about: Mapping[str, Any]

    def load(self, site: str, width: int | None = None) -> Dictionary:
        """The dictionary of a site; where there are several widths, of that width.

        Errors: UnknownNameError for a site or a width that the suite has not.
        """
        named = [entry for entry in self.entries if entry.site == site]
        if not named:
            raise unknown_name("site of the suite", site, {entry.site for entry in self.entries})
        chosen = [entry for entry in named if width in (None, entry.width)]
        if len(chosen) != 1:
            widths = [str(entry.width) for entry in named]
            raise unknown_name(f"width of {site!r}", str(width), widths)
        return load(f"{self.path}/{chosen[0].folder}")

    @property
    def increases(self) -> list[str]:
        """Names of the measured increases in cross-entropy, in the order of measurement."""
        return list(dict.fromkeys(name for entry in self.entries for name in entry.ce_increase))

    def with_entry(self, entry: SuiteEntry) -> Suite:
        """The suite with this entry last, in place of an earlier one of the same folder."""
        others = [other for other in self.entries if other.folder != entry.folder]
        return replace(self, entries=(*others, entry))

    def table(self) -> str:
        """The entries as a Markdown table."""
        increases = self.increases
        columns = [f"CE increase, {name}" for name in increases]
        head = ["site", "width", "FVU", "L0", "dead", *columns]
        lines = [head, ["---", *["---:"] * (len(head) - 1)]]
        for entry in self.entries:
            values = [f"{entry.fvu:.4f}", f"{entry.l0:.1f}", f"{entry.dead:.1%}"]
            losses = [entry.ce_increase.get(name) for name in increases]
            costs = ["" if loss is None else f"{loss:.4f}" for loss in losses]
            lines.append([f"`{entry.site}`", f"{entry.width:,}", *values, *costs])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def save(self) -> None:
        """Write the record and the table into the suite's folder."""
        folder = Folder(self.path)
        folder.write_text(TABLE, self.table())
        entries = [asdict(entry) for entry in self.entries]
        about = {"schema_version": SCHEMA_VERSION, **self.about}
        folder.write_json(RECORD, {**about, "entries": entries}, SCHEMA_VERSION)

    @staticmethod
    def open(path: str) -> Suite:
        """Read a saved suite.

        Errors: StoreError where there is none or one of another version; DamagedError where it does
        not read as a suite.
        """
        folder = Folder(path)
        if not folder.exists(RECORD):
            raise StoreError(f"{path} holds no {RECORD}; sparsetime.suite(..., out=...) writes one")
        about = folder.read_json(RECORD, again="Repeat the suite; what it finished is kept")
        if not isinstance(about, dict) or not {"schema_version", "entries"} <= about.keys():
            raise DamagedError(f"{path}/{RECORD} is not the record of a suite")
        version = about.pop("schema_version")
        if version != SCHEMA_VERSION:
            raise StoreError(
                f"{path}/{RECORD} has the schema {version}; this sparsetime reads {SCHEMA_VERSION}"
            )
        try:
            entries = tuple(map(_entry, about.pop("entries")))
            settings = about["settings"]
            about["settings"] = {**settings, "train": upgrade_saved_config(settings["train"])}
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise DamagedError(f"{path}/{RECORD} is not the record of a suite: {error}") from None
        return Suite(path, entries, about)


def _entry(record: dict[str, Any]) -> SuiteEntry:
    """The entry of a record; those of 0.1.0 have the increases under "loss_rises"."""
    values = {"ce_increase" if key == "loss_rises" else key: v for key, v in record.items()}
    return SuiteEntry(**values)
