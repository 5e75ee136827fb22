"""The timeline of any segment of a sequence, from a whole book to a single step."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from sparsetime.explorer.row_choice import TOO_DENSE, FeatureTable, choose_by_energy
from sparsetime.explorer.workbench.coarse_code import BLOCK, CodeEntries, code_entries
from sparsetime.explorer.workbench.documents import segment
from sparsetime.explorer.workbench.feature_names import given_name, names_of
from sparsetime.explorer.workbench.row_clustering import Cells, cluster_rows
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import (
    EnrichedFeature,
    Timeline,
    TimelineFeature,
    TimelineRow,
)

if TYPE_CHECKING:
    from sparsetime.codes import SparseCode

COLUMNS, MOST_COLUMNS = 4096, 8192
ROWS, MOST_ROWS = 48, 2000


def timeline(
    opened: RunCache,
    key: str,
    sequence: int,
    first: int = 0,
    stop: int | None = None,
    *,
    columns: int = COLUMNS,
    rows: int = ROWS,
    densest: float = TOO_DENSE,
    also: tuple[int, ...] = (),
    reach: int = 0,
) -> Timeline:
    """The timeline of the steps `first` to `stop` (exclusive).

    Rows are chosen by the rule of `explorer.row_choice`, among features that are active on at most
    the share `densest` of the corpus; `also` are shown whatever the rule says. With `reach` the
    rows show that many steps more on either side, which do not take part in the choice. Where all
    this is longer than `columns`, a column is several steps and shows the largest value of them.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    first, stop, length = segment(opened, key, sequence, first, stop)
    shown = opened.dictionary(key)
    width, peak = shown.index.width, shown.table.peak
    begin, end = max(0, first - reach), min(length, stop + reach)
    stride = -(-(end - begin) // columns)
    if stride < BLOCK:
        code = opened.code(key, sequence).row_slice(begin, end)
        entries = code_entries(code, peak, begin)
    else:  # columns of whole blocks, so that no block is in two of them
        stride = -(-stride // BLOCK) * BLOCK
        begin, first = begin // BLOCK * BLOCK, first // BLOCK * BLOCK
        entries = opened.coarse_entries(key, sequence).between(begin, end)
    here = entries.between(first, stop)
    # Without an entry bincount counts in integers.
    energy = np.bincount(here.feature, weights=here.energy, minlength=width).astype(np.float64)
    chosen = choose_by_energy(energy, shown.table, rows, densest)
    chosen = np.concatenate([[f for f in also if f not in chosen], chosen]).astype(np.int64)
    active_features = int((np.bincount(here.feature, minlength=width) > 0).sum())
    cells = entry_cells(entries, chosen, width, stride, begin)
    place, group = cluster_rows(cells, -(-(end - begin) // stride))
    total = float(energy.sum()) or 1.0
    changes = opened.boundaries_now(key, sequence)
    return Timeline(
        dictionary=key,
        sequence=sequence,
        first=begin,
        stop=end,
        length=length,
        stride=stride,
        active_features=active_features,
        rows=[
            TimelineRow(
                feature=int(f),
                part=shown.table.part(int(f)),
                **names_of(opened, key, int(f)),
                dwell=round(float(shown.table.dwell[f]), 2),
                density=round(float(shown.table.density[f]), 6),
                energy=float(energy[f]) / total,
                place=int(place[at]),
                group=int(group[at]),
                columns=cells[at][0].tolist(),
                strengths=cells[at][1].tolist(),
            )
            for at, f in enumerate(chosen)
        ],
        boundaries=[step for step in changes or () if begin < step < end],
        boundaries_known=changes is not None,
    )


def enriched_features(
    opened: RunCache, key: str, sequence: int, first: int, stop: int, limit: int = 12
) -> list[EnrichedFeature]:
    """The features most enriched in a segment; see `features.enrichment`.

    Errors: DataError for a sequence that was not indexed, and for steps that it does not have.
    """
    from sparsetime.features.enrichment import enrichment

    first, stop, _ = segment(opened, key, sequence, first, stop)
    table = opened.dictionary(key).table
    code = opened.code(key, sequence).row_slice(first, stop)
    features, nats = enrichment(code, table.density)
    count = np.bincount(code.indices.numpy(), minlength=code.width)
    return [
        EnrichedFeature(
            feature=int(f),
            part=table.part(int(f)),
            **names_of(opened, key, int(f)),
            nats=float(n),
            share=float(count[f]) / code.rows,
            density=float(table.density[f]),
        )
        for f, n in zip(features[:limit], nats[:limit], strict=True)
    ]


def row_cells(
    code: SparseCode, chosen: Int[np.ndarray, " rows"], table: FeatureTable, stride: int = 1
) -> list[Cells]:
    """Columns of the chosen features over a code of shape (time,), with percent of the peak.

    A column is `stride` steps, and holds the largest percent among them.
    """
    return entry_cells(code_entries(code, table.peak), chosen, code.width, stride, 0)


def entry_cells(
    entries: CodeEntries, chosen: Int[np.ndarray, " rows"], width: int, stride: int, begin: int
) -> list[Cells]:
    """Columns of the chosen features, each `stride` steps from `begin` on, with percent."""
    row_of = np.full(width, -1, dtype=np.int16)
    row_of[chosen] = np.arange(len(chosen))
    row = row_of[entries.feature]
    shown = np.flatnonzero(row >= 0)
    # Entries are in order of their steps; numpy sorts small integers by their digits.
    shown = shown[np.argsort(row[shown], kind="stable")]
    row, column = row[shown], (entries.step[shown] - begin) // stride
    percent = entries.percent[shown]
    new = np.append(True, (np.diff(row) != 0) | (np.diff(column) != 0))[: len(row)]
    begins = np.flatnonzero(new)
    largest = np.maximum.reduceat(percent, begins) if len(begins) else percent
    edges = np.searchsorted(row[begins], np.arange(len(chosen) + 1))
    column = column[begins]
    return [(column[a:b], largest[a:b]) for a, b in pairwise(edges)]


def timeline_feature(opened: RunCache, key: str, number: int) -> TimelineFeature:
    """The statistics of one feature, as pages hold them that draw by themselves."""
    shown = opened.dictionary(key)
    return feature_of(shown.table, number, given_name(opened.labels, shown, number).text)


def feature_of(table: FeatureTable, number: int, label: str = "") -> TimelineFeature:
    """The row of a table for one feature, named by `label` where there is one."""
    return TimelineFeature(
        feature=number,
        part=table.part(number),
        label=label,
        words=list(table.words[number]),
        dwell=round(float(table.dwell[number]), 2),
        density=round(float(table.density[number]), 6),
        peak=float(table.peak[number]),
    )
