"""What a run holds that a page can show, and why the rest is left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from sparsetime.errors import SparsetimeError, StoreError
from sparsetime.explorer.records import DictionaryEntry
from sparsetime.explorer.row_choice import FeatureTable, table_of
from sparsetime.explorer.run_description import dictionary_entry
from sparsetime.explorer.step_units import DataWords, words_of
from sparsetime.features.schemas import columns_of
from sparsetime.files import Folder

if TYPE_CHECKING:
    import pyarrow as pa

    from sparsetime.activations.store.store import Store
    from sparsetime.features.column_definition import ColumnDefinition
    from sparsetime.features.detail_table import DetailTable
    from sparsetime.features.feature_table import DefinedTable
    from sparsetime.features.index import FeatureIndex
    from sparsetime.metrics.evaluation_report import EvaluationReport

STORE = "activations"
MANIFEST = "manifest.json"
DICTIONARY = "dictionary.json"
INDEX = "features"
_OF_STORE = ("model_hash", "site")

Stores: TypeAlias = "dict[tuple[Any, ...], Store]"  # by hash of shards, model's hash and site


@dataclass(frozen=True)
class ShownDictionary:
    """A dictionary of the run with all that the page needs of it.

    store: that of its index, cut as the index holds it. evaluation: None where there is none.
    tables, details: the feature and detail tables beside its index, by name.
    """

    entry: DictionaryEntry
    store: Store
    index: FeatureIndex
    table: FeatureTable
    evaluation: EvaluationReport | None
    metrics: list[dict[str, Any]]
    tables: dict[str, DefinedTable]
    details: dict[str, DetailTable]

    @cached_property
    def words(self) -> DataWords:
        """What its steps and sequences are called, and how long a step lasts."""
        return words_of([self.store])

    @cached_property
    def columns(self) -> dict[str, ColumnDefinition]:
        """The definitions of all feature columns: the index's, then those of the tables."""
        added = [column for table in self.tables.values() for column in table.definitions]
        own = columns_of(self.index.features.column_names)
        return {column.name: column for column in (*own, *added)}

    def column(self, name: str) -> pa.ChunkedArray:
        """The values of one of the `columns`, one per feature."""
        tables = (self.index.features, *(table.table for table in self.tables.values()))
        return next(table[name] for table in tables if name in table.column_names)

    @cached_property
    def name_columns(self) -> list[list[str | None]]:
        """The names that feature tables give, one list per name column."""
        return self._texts_of("name")

    @cached_property
    def explanation_columns(self) -> list[list[str | None]]:
        """The explanations that name features without another name, one list per column."""
        return self._texts_of("explanation")

    def _texts_of(self, role: str) -> list[list[str | None]]:
        names = [column.name for column in self.columns.values() if column.role == role]
        return [self.column(name).to_pylist() for name in names]

    def table_name(self, feature: int) -> str:
        """The name of a feature in the first feature table that has one; empty without any."""
        return next((str(names[feature]) for names in self.name_columns if names[feature]), "")

    def explanation(self, feature: int) -> str:
        """The explanation that names a feature; empty without any."""
        texts = self.explanation_columns
        return next((str(names[feature]) for names in texts if names[feature]), "")


@dataclass(frozen=True)
class RunContents:
    """What can be shown, by `FeatureTable.place`; notes say what is left out, and why."""

    shown: list[ShownDictionary]
    notes: list[str]


# What reading raises where a record lacks something, or holds something of another type.
_MISFITS = (KeyError, IndexError, TypeError, ValueError, AttributeError)


class _LeftOutError(Exception):
    """Why a dictionary is not shown, and which command changes that."""


def read_run(folder: Folder, dictionaries: list[str], advance: Callable[[], None]) -> RunContents:
    """What `readable` finds. Errors: StoreError where nothing can be shown."""
    contents = readable(folder, dictionaries, advance)
    if not contents.shown:
        raise StoreError(
            f"{folder.url} holds nothing that can be shown. {' '.join(contents.notes)}"
        )
    return contents


def readable(folder: Folder, dictionaries: list[str], advance: Callable[[], None]) -> RunContents:
    """Read the stores of a run, and the `dictionaries` whose index was made from both.

    What is damaged, of a newer sparsetime, or made from another dictionary or store, is left out
    with a note; the rest is shown. `advance` is called after every dictionary.
    """
    notes: list[str] = []
    stores = _stores(folder, notes)
    shown: list[ShownDictionary] = []
    for name in dictionaries:
        try:
            shown.append(_shown(folder / name, name, stores, notes))
        except (_LeftOutError, SparsetimeError) as why:
            notes.append(f"{name} is not shown: {str(why).rstrip('.')}.")
        except _MISFITS as why:
            notes.append(
                f"{name} is not shown: its files do not fit together ({type(why).__name__}: "
                f"{why}). Make its index again with sparsetime index --force."
            )
        advance()
    shown.sort(key=lambda dictionary: (dictionary.table.place, dictionary.entry.key))
    return RunContents(shown, notes)


def _stores(folder: Folder, notes: list[str]) -> Stores:
    """The stores of a run that can be opened; the others leave a note."""
    from sparsetime.activations.store.open_store import open_store
    from sparsetime.activations.store.provenance import shards_hash

    stores: Stores = {}
    for name in store_names(folder):
        try:
            store = open_store((folder / name).url)
        except SparsetimeError as why:
            notes.append(f"The store {name} is left out: {str(why).rstrip('.')}.")
        else:
            stores[(shards_hash(store), store.model_hash, store.site)] = store
    return stores


def store_names(folder: Folder) -> list[str]:
    """The activation stores of a run: folders in it, or in its `activations/`, with a manifest.

    Errors: StoreError where there is no run or no store.
    """
    if not folder.exists():
        raise StoreError(f"there is no run at {folder.url}: the folder does not exist")
    inside = [f"{STORE}/{name}" for name in (folder / STORE).names()]
    names = [name for name in [*folder.names(), *inside] if folder.exists(f"{name}/{MANIFEST}")]
    if not names:
        raise StoreError(
            f"{folder.url} is not a run that can be shown: that needs an activation store, best in "
            f"{STORE}/, and it holds none. Make one with sparsetime capture"
        )
    return names


def indexed_names(folder: Folder) -> list[str]:
    """Folders of a run that hold a dictionary, or the index of any code source."""
    from sparsetime.features.index_files import RECORD

    records = (DICTIONARY, f"{INDEX}/{RECORD}")
    names = folder.names()
    return [name for name in names if any(folder.exists(f"{name}/{record}") for record in records)]


def dictionary_names(folder: Folder) -> list[str]:
    """The folders of a run that hold a dictionary. Errors: StoreError where there is none."""
    names = [name for name in folder.names() if folder.exists(f"{name}/{DICTIONARY}")]
    if not names:
        raise StoreError(
            f"{folder.url} holds no dictionary (a folder with a {DICTIONARY}). Make one with "
            f"sparsetime train"
        )
    return names


def _shown(folder: Folder, name: str, stores: Stores, notes: list[str]) -> ShownDictionary:
    from sparsetime.dictionaries.dictionary_hash import dictionary_hash, same_dictionary
    from sparsetime.dictionaries.serialise import load
    from sparsetime.features.index import open_index
    from sparsetime.features.index_files import RECORD
    from sparsetime.features.indexed_view import cut_as_indexed

    if not folder.exists(f"{INDEX}/{RECORD}"):
        raise _LeftOutError(f"it has no feature index in {INDEX}/; make it with sparsetime index")
    index = open_index((folder / INDEX).url)
    subject = index.record.get("subject", {})
    identity = subject.get("dictionary", "")
    if index.kind == "dictionary":
        if not folder.exists(DICTIONARY):
            raise _LeftOutError(f"the dictionary of its feature index, {DICTIONARY}, is missing")
        identity = dictionary_hash(load(folder.url))
    again = "make it again with sparsetime index --force"
    if not same_dictionary(subject.get("dictionary"), identity):
        raise _LeftOutError(
            f"its feature index was made from other weights or settings than it has now; {again}"
        )
    record = index.record
    store = stores.get((subject.get("store"), *map(record.get, _OF_STORE)))
    if store is None:
        raise _LeftOutError(
            f"its feature index was made from another store than the run holds (of "
            f"{record['model_name']} at {record['site']}); {again} on the run's own"
        )
    return ShownDictionary(
        entry=dictionary_entry(name, index),
        store=cut_as_indexed(index, store),
        index=index,
        table=table_of(index),
        evaluation=_evaluation(folder, name, identity, stores, notes),
        metrics=_metrics(folder, name, notes),
        tables=_tables(name, index, notes),
        details=_details(name, index, notes),
    )


def _tables(name: str, index: FeatureIndex, notes: list[str]) -> dict[str, DefinedTable]:
    """The feature tables of an index; one that cannot be read leaves a note."""
    tables, errors = index.sound_tables()
    notes += [
        f"A feature table of {name} is left out: {str(error).rstrip('.')}." for error in errors
    ]
    return tables


def _details(name: str, index: FeatureIndex, notes: list[str]) -> dict[str, DetailTable]:
    """The detail tables of an index; one whose record cannot be read leaves a note."""
    from sparsetime.features.detail_table import detail_names

    tables = {}
    for detail in detail_names(Folder(index.path)):
        try:
            table = index.details(detail)
        except SparsetimeError as error:
            notes.append(f"A detail table of {name} is left out: {str(error).rstrip('.')}.")
        else:
            if table is not None:
                tables[detail] = table
    return tables


def _metrics(folder: Folder, name: str, notes: list[str]) -> list[dict[str, Any]]:
    """The training log; damaged lines, and one that cannot be read, leave a note."""
    from sparsetime.training.run_folder import metrics_lines

    try:
        lines = metrics_lines(folder.url)
    except SparsetimeError as error:
        notes.append(f"The training log of {name} is left out: {str(error).rstrip('.')}.")
        return []
    if lines.damaged:
        notes.append(f"The training log of {name} has gaps: {lines.damaged}.")
    return lines.values


def _evaluation(
    folder: Folder, name: str, identity: str, stores: Stores, notes: list[str]
) -> EvaluationReport | None:
    from sparsetime.dictionaries.dictionary_hash import same_dictionary
    from sparsetime.metrics.evaluation_report import RECORD, EvaluationReport

    if not folder.exists(RECORD):
        return None
    try:
        report = EvaluationReport.load(folder.url)
    except SparsetimeError as error:
        notes.append(f"The metrics of {name} are left out: {str(error).rstrip('.')}.")
        return None
    if not same_dictionary(report.subject.get("dictionary"), identity):
        other = "other weights or settings than it has now"
    elif (report.subject.get("store"), *map(report.about.get, _OF_STORE)) not in stores:
        other = "another store than the run holds"
    else:
        return report
    notes.append(
        f"The metrics of {name} are left out: they were computed from {other}. Compute them again "
        f"with sparsetime evaluate."
    )
    return None
