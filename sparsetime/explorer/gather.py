"""From a run's folder to the record of its page: dictionaries, scores, figures, features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sparsetime.errors import MismatchError, StoreError
from sparsetime.explorer import figures
from sparsetime.explorer.cards import feature_list
from sparsetime.explorer.comparison import comparison, definitions, read_evaluation
from sparsetime.explorer.excerpts import Excerpt, choose_excerpts
from sparsetime.explorer.page import (
    DictionaryEntry,
    PageData,
    ScorePassage,
)
from sparsetime.explorer.score import FeatureTable, score_panel
from sparsetime.files import Folder

if TYPE_CHECKING:
    from sparsetime.activations.store import Store
    from sparsetime.evaluation.metric import Figure
    from sparsetime.features.index import FeatureIndex

STORE = "activations"
MANIFEST = "manifest.json"
INDEX = "features"
METRICS = "metrics.jsonl"


@dataclass(frozen=True)
class Shown:
    """A dictionary of the run with all that the page needs of it."""

    entry: DictionaryEntry
    index: FeatureIndex
    table: FeatureTable
    evaluation: Mapping[str, Figure]
    metrics: list[dict[str, Any]]


def gather(run: str | Path) -> PageData:
    """Read a run: its store, and every dictionary folder with its index in `features/`.

    Dictionaries with a high-level part come first, the others by name. Evaluations and metrics
    are shown where they exist. Errors: StoreError where the run has no store, no dictionary, or a
    dictionary without an index, saying which command makes it.
    """
    from sparsetime.activations.store import open_store

    folder = Folder(str(run))
    store = open_store((folder / _store_name(folder)).url)
    shown = sorted(
        (_shown(folder / name, name) for name in _dictionary_names(folder)),
        key=lambda each: (not each.entry.has_parts, each.entry.key),
    )
    for each in shown:
        _check_same_store(each, store)
    excerpts = choose_excerpts(store)
    entries = [each.entry for each in shown]
    evaluations = [each.evaluation for each in shown]
    return PageData(
        title=_title(store),
        lead=_lead(store, len(shown)),
        unit=store.unit,
        facts=_facts(store),
        dictionaries=entries,
        score=[_score(excerpt, shown) for excerpt in excerpts],
        comparison=comparison(entries, evaluations),
        charts=figures.charts(
            entries,
            [each.metrics for each in shown],
            [each.table for each in shown],
            store.unit,
            len(store),
        ),
        features=[feature_list(each.entry.key, each.index, each.table, store) for each in shown],
        definitions=definitions(evaluations),
    )


def _store_name(folder: Folder) -> str:
    if not folder.exists():
        raise StoreError(f"there is no run at {folder.url}: the folder does not exist")
    inside = [f"{STORE}/{name}" for name in (folder / STORE).names()]
    found = [name for name in [*folder.names(), *inside] if folder.exists(f"{name}/{MANIFEST}")]
    if len(found) == 1 or STORE in found:
        return STORE if STORE in found else found[0]
    state = f"it holds {', '.join(found)}" if found else "it holds none"
    raise StoreError(
        f"{folder.url} is not a run to report on: a report needs one activation store, best in "
        f"{STORE}/, and {state}. Make one with sparsetime capture"
    )


def _dictionary_names(folder: Folder) -> list[str]:
    names = [name for name in folder.names() if folder.exists(f"{name}/dictionary.json")]
    if not names:
        raise StoreError(
            f"{folder.url} holds no dictionary (a folder with a dictionary.json). Make one with "
            f"sparsetime train"
        )
    for name in names:
        if not folder.exists(f"{name}/{INDEX}/index.json"):
            raise StoreError(
                f"the dictionary {folder.url}/{name} has no feature index in {INDEX}/. Make it "
                f"with sparsetime index"
            )
    return names


def _shown(folder: Folder, name: str) -> Shown:
    from sparsetime.features.index import open_index

    index = open_index((folder / INDEX).url)
    features = index.features
    table = FeatureTable(
        dwell=_numbers(features, "dwell"),
        density=_numbers(features, "density"),
        peak=_numbers(features, "max"),
        words=[words or [] for words in features["words"].to_pylist()],
        groups=index.groups,
    )
    return Shown(
        entry=figures.entry(name, index),
        index=index,
        table=table,
        evaluation=read_evaluation(folder),
        metrics=figures.read_metrics(folder, METRICS),
    )


def _check_same_store(shown: Shown, store: Store) -> None:
    record = shown.index.record
    if (record["model_hash"], record["site"]) != (store.model_hash, store.site):
        raise MismatchError(
            f"the index of {shown.entry.key!r} was made from {record['model_name']} at "
            f"{record['site']}, the store from {store.model_name} at {store.site}; index the "
            f"dictionary on the run's own store"
        )


def _score(excerpt: Excerpt, shown: list[Shown]) -> ScorePassage:
    return ScorePassage(
        title=excerpt.title,
        source=f"{excerpt.id}, steps {excerpt.first} to {excerpt.stop - 1}",
        words=excerpt.words,
        gaps=excerpt.gaps,
        panels=[
            score_panel(
                each.entry.key,
                each.index.sequence(excerpt.sequence).row_slice(excerpt.first, excerpt.stop),
                each.table,
            )
            for each in shown
        ],
    )


def _title(store: Store) -> str:
    reading = any(store.sequences["text"].to_pylist())
    return f"What {_model(store)} follows {'while it reads' if reading else 'over time'}"


def _model(store: Store) -> str:
    """A name to read: of a path its last part that says something."""
    parts = [part for part in Path(store.model_name).parts if part not in ("model", "/")]
    return parts[-1] if parts else store.model_name


def _lead(store: Store, dictionaries: int) -> str:
    many = {1: "A dictionary", 2: "Two dictionaries", 3: "Three dictionaries"}
    return (
        f"{many.get(dictionaries, f'{dictionaries} dictionaries')} of what the model computes at "
        f"{store.site}, over the same {len(store):,} {store.unit}s."
    )


def _facts(store: Store) -> list[tuple[str, str]]:
    return [
        ("model", _model(store)),
        ("site", store.site),
        ("corpus", f"{len(store):,} {store.unit}s in {store.sequences.num_rows:,} documents"),
        ("weights", store.model_hash[:16]),
    ]


def _numbers(features: Any, name: str) -> np.ndarray:
    values: np.ndarray = features[name].to_numpy(zero_copy_only=False).astype(float)
    filled: np.ndarray = np.nan_to_num(values, nan=0.0)
    return filled
