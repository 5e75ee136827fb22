"""From a run's folder to the record of its report: dictionaries, timeline, metrics, features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sparsetime.explorer.change_steps import change_steps
from sparsetime.explorer.excerpts import Excerpt, choose_excerpts
from sparsetime.explorer.metrics_table import comparison, definitions, measured_on
from sparsetime.explorer.page_code import page_code
from sparsetime.explorer.row_choice import FeatureTable
from sparsetime.explorer.run_contents import (
    ShownDictionary,
    dictionary_names,
    read_run,
    store_names,
)
from sparsetime.explorer.run_description import (
    aligned,
    distinct_stores,
    facts_of,
    lead_of,
    title_of,
    unique_titles,
)
from sparsetime.explorer.step_units import words_of
from sparsetime.explorer.workbench.feature_names import given_name
from sparsetime.explorer.workbench.labels import Labels
from sparsetime.explorer.workbench.timeline import feature_of
from sparsetime.features.contexts import find_sequence
from sparsetime.files import Folder
from sparsetime.progress import progress as running
from sparsetime.reports.feature_cards import feature_list
from sparsetime.reports.input_pictures import ReportInputs, segment_input
from sparsetime.reports.page_schema import (
    EmbeddedDictionary,
    EmbeddedTimeline,
    PageData,
    Passage,
    PassageCode,
)
from sparsetime.reports.run_charts import charts

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode
    from sparsetime.explorer.workbench.input_records import InputView
    from sparsetime.metrics.metric import MetricValue

PASSAGES = 4


def gather(run: str | Path, progress: bool = True) -> PageData:
    """Read a run: its stores, and every dictionary folder with its index in `features/`.

    Dictionaries with parts come first, and among them, as among the others, those of the most
    living features. Evaluations and metrics are shown where they exist. A dictionary that has no
    index, or one of another dictionary or store, is left out with a note on the page that
    names the command to run; so are metrics of another dictionary or store.

    Errors: StoreError where the run has no store, no dictionary, or none that can be shown.
    """
    folder = Folder(str(run))
    store_names(folder)
    names = dictionary_names(folder)
    with running("report", 2 * len(names), "readings of a dictionary", progress) as bar:
        contents = read_run(folder, names, bar.advance)
        shown = unique_titles(contents.shown)
        lists, inputs = [], ReportInputs(folder)
        labels = Labels(
            folder, {one.entry.key: one.index.record["subject"]["dictionary"] for one in shown}
        )
        for dictionary in shown:
            lists.append(feature_list(dictionary, inputs, labels))
            bar.advance()
        bar.advance(len(names) - len(shown))
    stores = distinct_stores([dictionary.store for dictionary in shown])
    entries = [dictionary.entry for dictionary in shown]
    evaluations: list[Mapping[str, MetricValue]] = [
        dictionary.evaluation or {} for dictionary in shown
    ]
    words = words_of(stores)
    return PageData(
        title=title_of(stores),
        lead=lead_of(stores, len(shown), words),
        unit=words.step,
        sequence_name=words.sequence,
        notes=contents.notes,
        facts=facts_of(stores, words),
        dictionaries=entries,
        timeline=_timeline(shown, inputs, labels),
        comparison=comparison(entries, evaluations, [dictionary.words for dictionary in shown]),
        comparison_notes=measured_on(
            entries, [dictionary.evaluation for dictionary in shown], words
        ),
        charts=charts(
            entries,
            [dictionary.metrics for dictionary in shown],
            [dictionary.table for dictionary in shown],
            words,
            max(len(store) for store in stores),
        ),
        features=lists,
        definitions=definitions(evaluations, words),
    )


def _timeline(
    shown: list[ShownDictionary], inputs: ReportInputs, labels: Labels
) -> EmbeddedTimeline:
    passages = list(_passages(shown, inputs))
    firing: dict[str, set[int]] = {}
    for passage in passages:
        for code in passage.codes:
            firing.setdefault(code.dictionary, set()).update(code.features)
    words = words_of(distinct_stores([each.store for each in shown]))
    return EmbeddedTimeline(
        unit=words.step,
        step=words.time.step if words.time else None,
        time_unit=words.time.unit if words.time else "",
        sequence_name=words.sequence,
        dictionaries=[
            EmbeddedDictionary(
                entry=dictionary.entry,
                features=[
                    feature_of(
                        dictionary.table, number, given_name(labels, dictionary, number).text
                    )
                    for number in sorted(firing.get(dictionary.entry.key, ()))
                ],
            )
            for dictionary in shown
        ],
        passages=passages,
    )


def _passages(shown: list[ShownDictionary], inputs: ReportInputs) -> Iterator[Passage]:
    """The passages; dictionaries on stores of the same documents are shown side by side."""
    groups: list[list[ShownDictionary]] = []
    for dictionary in shown:
        group = next((g for g in groups if aligned(g[0].store, dictionary.store)), None)
        if group is None:
            groups.append([dictionary])
        else:
            group.append(dictionary)
    for group in groups:
        indexed = [set(dictionary.index.sequences["sequence"].to_pylist()) for dictionary in group]
        # Indexes of disjoint parts of a store have no passage in common; then each has its own.
        common = set.intersection(*indexed) or set.union(*indexed)
        for excerpt in choose_excerpts(group[0].store, max(1, PASSAGES // len(groups)), common):
            of = [e for e, k in zip(group, indexed, strict=True) if excerpt.sequence in k]
            codes = [(e.entry.key, _code(e, excerpt), e.table) for e in of]
            stored = find_sequence(group[0].store, excerpt.sequence)
            yield passage(
                excerpt, codes, segment_input(inputs, stored, excerpt.first, excerpt.stop)
            )


def _code(shown: ShownDictionary, excerpt: Excerpt) -> SparseCode:
    return shown.index.sequence(excerpt.sequence).row_slice(excerpt.first, excerpt.stop)


def passage(
    excerpt: Excerpt,
    codes: Sequence[tuple[str, SparseCode, FeatureTable]],
    view: InputView | None = None,
) -> Passage:
    """An excerpt and, for each dictionary, its code of shape (time,) over the excerpt's steps."""
    return Passage(
        title=excerpt.title,
        source=f"{excerpt.id}, {excerpt.span}",
        first=excerpt.first,
        words=list(excerpt.words[:]),
        gaps=list(excerpt.gaps[:]),
        is_text=excerpt.is_text,
        start=excerpt.start,
        step=excerpt.step,
        time_unit=excerpt.time_unit,
        input=view,
        codes=[
            PassageCode(
                dictionary=key,
                **page_code(code, table.peak),
                boundaries=change_steps(code, table),
            )
            for key, code, table in codes
        ],
    )
