"""Association of every feature with every label of a store, which names features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.features.detail_table import DetailTable
from sparsetime.features.feature_entries import FeatureEntries, feature_entries
from sparsetime.features.index import FeatureIndex
from sparsetime.features.indexed_view import cut_alike, indexed_view
from sparsetime.features.labels.baselines import (
    Baseline,
    BaselineScore,
    DenseBaseline,
    SparseBaseline,
    activations_of,
    best_detectors,
)
from sparsetime.features.labels.detectors import Detectors, DetectorScorer
from sparsetime.features.labels.halves import Halves, halves
from sparsetime.features.labels.input_baseline import input_numbers
from sparsetime.features.labels.label_column import LabelColumn, label_column
from sparsetime.features.labels.label_tables import Scored, write_label_tables
from sparsetime.features.labels.stored_label import read_labels, sequence_labels
from sparsetime.features.labels.untrained_baseline import untrained_activations
from sparsetime.features.provenance import measured_on
from sparsetime.progress import progress as running

if TYPE_CHECKING:
    from torch import nn

    from sparsetime.activations.store.store import Store
    from sparsetime.models.load import LoadedModel

DRAWS = 200
RAW, INPUT, UNTRAINED = "raw", "input", "untrained"


def label_features(
    index: FeatureIndex,
    store: Store,
    labels: Sequence[str] | None = None,
    *,
    numeric: Sequence[str] = (),
    model: str | Path | nn.Module | LoadedModel | None = None,
    data: Any = None,
    baselines: Mapping[str, Store | FeatureIndex] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    progress: bool = True,
) -> DetailTable:
    """Score every feature as a detector of every label, and name features by their best label.

    labels: names to read; None: all labels of steps, of sequences, and types of events. numeric:
    labels of whole numbers to bin, not to take as categories; floats always are. Beside each
    feature stands the best dimension of baselines: "raw", the activations of `store`; "input", its
    kept inputs (`input_numbers`; `about["no_input"]` says why there are none); with `model`, the
    model of the store, "untrained", the activations of a copy with initial weights
    (`models.untrained_copy`), captured with the store's settings from `data`, or from the texts and
    inputs that the store keeps. baselines: further stores or indexes of the same recordings, by a
    short name. draws: of the null, which exchanges a label's course among recordings.

    For each feature and label, the value (of a numeric label: the range of bins) and the threshold
    are chosen on half of the recordings; precision, recall, AUROC, p, q and the tuning curve are of
    the other half. q corrects for the number of features (Benjamini-Hochberg). Both halves may have
    trained the dictionary: `about["measured_on"]` of the returned table says so.

    Written beside the index are the detail table "label_scores", which is returned, and the feature
    table "labels", by whose columns features are named, sorted, searched and filtered.

    Errors: DataError where `store` does not hold the indexed sequences or no label, or where there
    is one recording that is too short; UnknownNameError for a label that is not there;
    MismatchError for a baseline of other recordings, and for another model than the store's;
    ConfigError for fewer than 20 draws, and for data without a model.
    """
    if data is not None and model is None:
        raise ConfigError(
            "got data= without model=, expected both or neither; give the model of the store, of "
            "which an untrained copy reads the data"
        )
    if draws < 20:
        raise ConfigError(f"got draws={draws}, expected at least 20, from which p-values follow")
    view = indexed_view(index, store)
    entries = feature_entries(index)
    stored = read_labels(view, labels, numeric)
    halved = halves(view.segments.numpy_lengths, sequence_labels(view), seed)
    columns = [label_column(label, halved.choosing) for label in stored]
    columns = [column for column in columns if column is not None]
    if not columns:
        names = ", ".join(repr(label.name) for label in stored) or "none"
        raise DataError(
            f"{store.path} has no label with two values on the recordings that choose (its labels: "
            f"{names}); capture it with labels of sequences or of steps, or add them with "
            "sparsetime.annotate"
        )
    others: dict[str, Baseline] = {RAW: DenseBaseline(activations_of(view), halved)}
    inputs = input_numbers(view)
    if not isinstance(inputs, str):
        others[INPUT] = DenseBaseline(inputs, halved)
    if model is not None:
        with TemporaryDirectory() as folder:  # a baseline keeps levels of activations in memory
            twin = untrained_activations(view, store, model, data, f"{folder}/s", seed, progress)
            others[UNTRAINED] = DenseBaseline(activations_of(twin), halved)
    for name, source in (baselines or {}).items():
        if name in others or not name.isidentifier():
            raise ConfigError(
                f"got the baseline name {name!r}, expected a word other than "
                f"{' and '.join(map(repr, others))}, since it becomes part of column names"
            )
        others[name] = _baseline(name, source, view, entries, halved)
    scorer = DetectorScorer(entries, halved)

    def scored(column: LabelColumn) -> Scored:
        detectors = scorer.score(column, draws, seed)
        return column, detectors, _compared(others, column, detectors)

    scores: list[Scored] = []
    with (
        running("associate labels", float(len(columns)), "labels", progress) as bar,
        # The loops release the lock of the interpreter, so labels are scored side by side.
        ThreadPoolExecutor(torch.get_num_threads(), "sparsetime-labels") as threads,
    ):
        for one in threads.map(scored, columns):
            scores.append(one)
            bar.advance()
    about = {
        "halves": halved.text,
        "measured_on": measured_on(index, view),
        **{"draws": draws, "seed": seed, "baselines": list(others)},
        **({"no_input": inputs} if isinstance(inputs, str) else {}),
    }
    return write_label_tables(index, scores, list(others), about)


def _compared(
    others: Mapping[str, Baseline], column: LabelColumn, detectors: Detectors
) -> dict[str, dict[tuple[int, int], BaselineScore]]:
    """The best detectors of every baseline for what the features detect."""
    pairs = zip(detectors.low.tolist(), detectors.high.tolist(), strict=True)
    targets = sorted({pair for pair in pairs if pair[0] >= 0})
    return {name: best_detectors(other, column, targets) for name, other in others.items()}


def _baseline(
    name: str,
    source: Store | FeatureIndex,
    view: Store,
    entries: FeatureEntries,
    halved: Halves,
) -> Baseline:
    """A store or an index as a baseline. Errors: MismatchError for one of other recordings."""
    if isinstance(source, FeatureIndex):
        other = feature_entries(source)
        if not np.array_equal(other.begins, entries.begins):
            raise _mismatch(name, len(other.numbers), entries)
        return SparseBaseline(other, halved)
    places = np.flatnonzero(np.isin(source.sequence_indices, entries.numbers))
    other_view = cut_alike(source.of_sequences(places), view)
    if not np.array_equal(other_view.segments.numpy_lengths, entries.lengths):
        raise _mismatch(name, len(places), entries)
    return DenseBaseline(activations_of(other_view), halved)


def _mismatch(name: str, count: int, entries: FeatureEntries) -> MismatchError:
    return MismatchError(
        f"the baseline {name!r} has {count} of the {len(entries.numbers)} indexed sequences at the "
        f"same length; capture or index it on the same recordings"
    )
