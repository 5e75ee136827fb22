"""From a run's folder to the record of its page: dictionaries, scores, figures, features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.explorer import report_charts
from sparsetime.explorer.excerpts import Excerpt, choose_excerpts
from sparsetime.explorer.feature_cards import feature_list
from sparsetime.explorer.metrics_table import comparison, definitions, measured_on
from sparsetime.explorer.report_schema import PageData, ScorePassage
from sparsetime.explorer.row_choice import score_panel
from sparsetime.explorer.run_contents import (
    ShownDictionary,
    dictionary_names,
    read_run,
    store_names,
)
from sparsetime.explorer.step_units import step_name
from sparsetime.files import Folder
from sparsetime.progress import progress as running

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.metrics.metric import MetricValue

PASSAGES = 4


def gather(run: str | Path, progress: bool = True) -> PageData:
    """Read a run: its stores, and every dictionary folder with its index in `features/`.

    Dictionaries with parts come first, and among them, as among the others, those of the most
    living features. Evaluations and metrics are shown where they exist. A dictionary that has no
    index, or one of other weights or of another store, is left out with a note on the page that
    names the command to run; so are figures of other weights or of another store.

    Errors: StoreError where the run has no store, no dictionary, or none that can be shown.
    """
    folder = Folder(str(run))
    store_names(folder)
    names = dictionary_names(folder)
    with running("report", 2 * len(names), "readings of a dictionary", progress) as bar:
        contents = read_run(folder, names, bar.advance)
        shown = unique_titles(contents.shown)
        lists = []
        for each in shown:
            lists.append(feature_list(each.entry.key, each.index, each.table, each.store))
            bar.advance()
        bar.advance(len(names) - len(shown))
    stores = distinct_stores([each.store for each in shown])
    entries = [each.entry for each in shown]
    evaluations: list[Mapping[str, MetricValue]] = [each.evaluation or {} for each in shown]
    unit = step_name(stores)
    return PageData(
        title=title_of(stores),
        lead=lead_of(stores, len(shown), unit),
        unit=unit,
        notes=contents.notes,
        facts=facts_of(stores, unit),
        dictionaries=entries,
        score=list(_scores(shown)),
        comparison=comparison(entries, evaluations),
        comparison_notes=measured_on(entries, [each.evaluation for each in shown], unit),
        charts=report_charts.charts(
            entries,
            [each.metrics for each in shown],
            [each.table for each in shown],
            unit,
            max(len(store) for store in stores),
        ),
        features=lists,
        definitions=definitions(evaluations),
    )


def unique_titles(shown: list[ShownDictionary]) -> list[ShownDictionary]:
    """Dictionaries of one recipe are told apart by their folders."""
    count = Counter(each.entry.title for each in shown)
    return [
        each
        if count[each.entry.title] == 1
        else replace(
            each,
            entry=each.entry.model_copy(update={"title": f"{each.entry.title}, {each.entry.key}"}),
        )
        for each in shown
    ]


def distinct_stores(stores: Sequence[Store]) -> list[Store]:
    """Each store once, in order."""
    return list({store.path: store for store in stores}.values())


def _scores(shown: list[ShownDictionary]) -> Iterator[ScorePassage]:
    """The passages; dictionaries on stores of the same documents are scored side by side."""
    groups: list[list[ShownDictionary]] = []
    for each in shown:
        group = next((g for g in groups if aligned(g[0].store, each.store)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    for group in groups:
        known = [set(each.index.sequences["sequence"].to_pylist()) for each in group]
        # Indexes of disjoint parts of a store have no passage in common; then each has its own.
        common = set.intersection(*known) or set.union(*known)
        for excerpt in choose_excerpts(group[0].store, max(1, PASSAGES // len(groups)), common):
            yield _score(
                excerpt, [e for e, k in zip(group, known, strict=True) if excerpt.sequence in k]
            )


def aligned(one: Store, other: Store) -> bool:
    """Whether step by step both stores tell of the same."""
    names = ["id", "length", "start", "step"]
    return one.path == other.path or bool(
        one.unit == other.unit and one.sequences.select(names).equals(other.sequences.select(names))
    )


def _score(excerpt: Excerpt, shown: list[ShownDictionary]) -> ScorePassage:
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


def title_of(stores: list[Store]) -> str:
    """The page's title: whose features these are."""
    reading = any(any(store.sequences["text"].to_pylist()) for store in stores)
    models = " and ".join(dict.fromkeys(_model(store) for store in stores))
    follows = "follow" if " and " in models else "follows"
    return f"What {models} {follows} {'while it reads' if reading else 'over time'}"


def _model(store: Store) -> str:
    """A name to read: of a path its last part that says something."""
    parts = [part for part in Path(store.model_name).parts if part not in ("model", "/")]
    return parts[-1] if parts else store.model_name


def _sites(stores: list[Store]) -> str:
    return ", ".join(dict.fromkeys(store.site for store in stores))


def lead_of(stores: list[Store], dictionaries: int, unit: str) -> str:
    """One sentence on what was looked at."""
    many = {1: "A dictionary", 2: "Two dictionaries", 3: "Three dictionaries"}
    begin = many.get(dictionaries, f"{dictionaries} dictionaries")
    over = (
        f"over the same {len(stores[0]):,} {unit}s"
        if all(aligned(stores[0], store) for store in stores)
        else f"over {' and '.join(f'{len(store):,}' for store in stores)} {unit}s"
    )
    return f"{begin} of what the model computes at {_sites(stores)}, {over}."


def facts_of(stores: list[Store], unit: str) -> list[tuple[str, str]]:
    """Model, site, corpus and weights of every store."""
    facts = []
    for store in stores:
        facts += [
            ("model", _model(store)),
            ("site", store.site),
            ("corpus", f"{len(store):,} {unit}s in {store.sequences.num_rows:,} documents"),
            ("weights", store.model_hash[:16]),
        ]
    return list(dict.fromkeys(facts))
