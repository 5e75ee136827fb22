"""A first look at a run, from its indexes alone: there before anything heavy is loaded.

Whether an index still fits the weights and the store beside it is found out when the run is opened
in full, which takes torch; what the preview shows is replaced by that a moment later.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sparsetime.errors import SparsetimeError
from sparsetime.explorer.peak_percent import percent_of_peak
from sparsetime.explorer.records import FrozenRecord, Part, Text
from sparsetime.explorer.row_choice import FeatureTable, choose, table_of
from sparsetime.explorer.run_contents import INDEX
from sparsetime.features.index import FeatureIndex, open_index
from sparsetime.features.ranking import most_informative
from sparsetime.files import Folder

_ROWS, _STEPS = 40, 128


class PreviewRow(FrozenRecord):
    """One feature over a passage: the steps on which it fires, and percent of its maximum."""

    part: Part
    columns: list[int]
    strengths: list[int]


class DictionaryPreview(FrozenRecord):
    """A dictionary and its timeline of a passage: the steps `first` to `stop` of a sequence."""

    key: Text
    features: int
    sequence: int
    first: int
    stop: int
    rows: list[PreviewRow]


class Preview(FrozenRecord):
    """The run's name and what its indexes hold. Damaged ones are left out, without a word yet."""

    run: Text
    dictionaries: list[DictionaryPreview]


def preview(folder: Folder) -> Preview:
    """What the indexes of a run hold, each shown by the passage around its most telling moment."""
    glances = []
    for name in indexed(folder):
        try:
            index = open_index((folder / name / INDEX).url)
            table = table_of(index)
            glances.append((table.place, name, _glanced(name, index, table)))
        except (SparsetimeError, LookupError, TypeError, ValueError, AttributeError):
            continue  # the overview says why, a moment later
        index.close()
    glances.sort(key=lambda glance: glance[:2])
    return Preview(
        run=Path(folder.url.rstrip("/")).name, dictionaries=[glanced for _, _, glanced in glances]
    )


def indexed(folder: Folder) -> list[str]:
    """Folders of a run that hold an index."""
    from sparsetime.features.index_files import RECORD

    return [name for name in folder.names() if folder.exists(f"{name}/{INDEX}/{RECORD}")]


def _glanced(key: str, index: FeatureIndex, table: FeatureTable) -> DictionaryPreview:
    sequence, around = _passage(index)
    length = index.length(sequence)
    first = max(0, min(around - _STEPS // 4, length - _STEPS))
    stop = min(length, first + _STEPS)
    step, feature, value = index.entries(sequence)
    here = (step >= first) & (step < stop)
    step, feature, value = step[here] - first, feature[here], np.abs(value[here])
    percent = percent_of_peak(value, table.peak[feature])
    return DictionaryPreview(
        key=key,
        features=index.width,
        sequence=sequence,
        first=first,
        stop=stop,
        rows=[
            PreviewRow(
                part=table.part(int(f)),
                columns=step[feature == f].tolist(),
                strengths=percent[feature == f].tolist(),
            )
            for f in choose(feature, value, table, _ROWS)
        ],
    )


def _passage(index: FeatureIndex) -> tuple[int, int]:
    """Sequence and position of the top activation of the most informative feature."""
    informative = most_informative(index.features, 1).tolist()
    moments = index.examples(informative[0], 1).to_pylist() if informative else []
    if moments:
        return moments[0]["sequence"], moments[0]["position"]
    return index.sequences["sequence"][0].as_py(), 0
