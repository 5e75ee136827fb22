"""History of features over a training: their statistics at every snapshot, on the same sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int
from torch import Tensor

from sparsetime import seeds
from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.errors import MismatchError
from sparsetime.features import timescales
from sparsetime.features.association import ContingencyTable, contingency_table, over_represented
from sparsetime.features.build_tables import WORDS, ratio
from sparsetime.features.encoding import encode_sequences
from sparsetime.features.index_files import HISTORY as HISTORY_FILE
from sparsetime.features.index_files import add_history
from sparsetime.features.schemas import HISTORY
from sparsetime.features.vocabulary import Vocabulary
from sparsetime.progress import progress
from sparsetime.segments import Segments
from sparsetime.training.snapshots import Snapshot, read_stages

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.activations.store.stored_sequence import StoredSequence
    from sparsetime.codes import SparseCode
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.files import Folder

STEPS = 20_000
# Steps times latents. An early code may be dense, half of all latents on every step; of wide
# dictionaries fewer steps are looked at, so that even then it fits in memory.
_CELLS = 1 << 27
_NO_LENGTH = 1e-8
_OF_PAIRS = ("feature", "kind", "activation")


def training_stages(run: str | None, out: str, identity: str) -> tuple[Snapshot, ...]:
    """The snapshots of the training that ended with a dictionary; none where none were kept.

    run: the training's folder; None: the folder around `out`, if it holds that dictionary.
    identity: its `dictionary_hash`.

    Errors: MismatchError where `run` holds another one.
    """
    path = run if run is not None else out.rstrip("/").rpartition("/")[0] or "."
    stages = read_stages(path)
    if not stages or dictionary_hash(stages[-1].load()) == identity:
        return stages
    if run is None:
        return ()
    raise MismatchError(
        f"{run} holds a dictionary of other weights or settings than the one to index, so its "
        "snapshots are not that one's history; give the folder that this dictionary was trained "
        "into, or no run"
    )


def with_history(
    folder: Folder,
    record: dict[str, Any],
    stages: Sequence[Snapshot],
    store: Store,
    device: torch.device,
    show: bool = True,
) -> dict[str, Any]:
    """Add the history of these stages to the index in `folder`; returns the index's record."""
    about = {"stages": [stage.step for stage in stages]}
    present = record.get("history", {})
    if not stages or (HISTORY_FILE in record["files"] and about.items() <= present.items()):
        return record
    table, steps = history_table(stages, store, device, show)
    return add_history(folder, record, table, {**about, "steps": steps})


def sample(store: Store, width: int) -> list[StoredSequence]:
    """Whole sequences, drawn at random and always the same, in the order of the store.

    They hold 20,000 steps at most, and fewer for more than 6,710 latents. The last one drawn may be
    cut; its beginning is encoded as in the whole, since no code depends on what comes later.
    """
    left = max(1, min(STEPS, _CELLS // width))
    sequences = []
    generator = seeds.numpy_generator(0, "sequences of a history")
    drawn = generator.permutation(len(store.sequence_indices))
    for place in drawn.tolist():
        if left == 0:
            break
        sequences.append(store.sequence(place).first_steps(left))
        left -= len(sequences[-1])
    return sorted(sequences, key=lambda sequence: sequence.index)


def history_table(
    stages: Sequence[Snapshot], store: Store, device: torch.device, show: bool = True
) -> tuple[pa.Table, int]:
    """A row for each feature at each stage, by feature and then by step, and how many steps of the
    store were looked at; see HISTORY.

    `cosine` is that of the two directions in `Dictionary.atoms`, which codes sum: of atoms that
    are mixed, lifted or functions it is the outcome that counts, and of atoms with a profile in
    time the last step. It is null while an atom has no length, as where data have not filled its
    place yet. `overlap` is the number of steps on which the feature fires both then and at the
    end, over those on which it fires then or at the end; null where it does neither.

    Errors: those of `sparsetime.load`, where a snapshot is damaged.
    """
    became = stages[-1].load().to(device)
    sequences = sample(store, became.width)
    words = _SampleWords(sequences)
    steps = sum(map(len, sequences))
    with progress("history", len(stages), "snapshots", show) as bar:
        at_end = _statistics(became, sequences, words)
        columns = []
        for stage in stages:
            then = became if stage is stages[-1] else stage.load().to(device)
            statistics = at_end if then is became else _statistics(then, sequences, words)
            columns.append(
                {
                    "step": np.full(became.width, stage.step),
                    "rows": np.full(became.width, stage.rows),
                    "cosine": _cosine(then.atoms, became.atoms),
                    "overlap": _overlap(statistics, at_end),
                    "density": statistics.count / steps,
                    "dwell": ratio(statistics.count, statistics.runs),
                    "words": statistics.words,
                }
            )
            bar.advance()
    return _by_feature(columns, became.width), steps


@dataclass(frozen=True)
class _StageStatistics:
    """Statistics of the features of one stage on the sample.

    count, runs: active steps and runs, [width]. words: for each feature. entries: for each sequence
    the numbers row * width + feature of its entries, ascending.
    """

    count: Int[np.ndarray, " width"]
    runs: Int[np.ndarray, " width"]
    words: Sequence[list[str] | None]
    entries: list[Int[np.ndarray, " _"]]


@final
class _SampleWords:
    """The words of the sample, and those that the features are active on most."""

    def __init__(self, sequences: list[StoredSequence]) -> None:
        vocabulary = Vocabulary()
        for sequence in sequences:
            vocabulary.add(sequence)
        self._words = vocabulary.words if vocabulary.has_text else None
        ends = np.cumsum([len(sequence) for sequence in sequences])[:-1]
        self._of_step = np.split(vocabulary.of_row, ends)
        steps = vocabulary.of_row
        self._frequency = np.bincount(steps[steps >= 0], minlength=len(vocabulary.words))

    def pairs(self, number: int, code: SparseCode) -> ContingencyTable:
        """The words that the features are active on in the sequence of this number."""
        word = self._of_step[number][code.row_of_entry.numpy()]
        on_word = word >= 0
        activation = np.abs(code.values.detach().double().numpy())[on_word]
        kinds = max(1, len(self._frequency))
        return contingency_table(code.indices.numpy()[on_word], word[on_word], activation, kinds)

    def most_over_represented(
        self, tables: list[ContingencyTable], width: int
    ) -> Sequence[list[str] | None]:
        """For each feature the most over-represented first; None without text."""
        vocabulary = self._words
        if vocabulary is None:
            return [None] * width
        feature, kind, activation = (
            np.concatenate([getattr(table, name) for table in tables]) for name in _OF_PAIRS
        )
        joined = contingency_table(feature, kind, activation, len(vocabulary))
        best = over_represented(joined, self._frequency.astype(float), width, WORDS)
        return [[vocabulary[i] for i in few] for few in best]


def _statistics(
    sae: Dictionary, sequences: list[StoredSequence], words: _SampleWords
) -> _StageStatistics:
    count, runs = (np.zeros(sae.width, dtype=np.int64) for _ in range(2))
    tables, entries = [], []
    for number, encoded in enumerate(encode_sequences(sae, sequences)):
        code = encoded.code
        feature = code.indices.numpy()
        count += np.bincount(feature, minlength=sae.width)
        own_runs = timescales.runs(code, Segments.even(1, code.rows))
        runs += np.bincount(own_runs.feature, minlength=sae.width)
        tables.append(words.pairs(number, code))
        entries.append(code.row_of_entry.numpy() * sae.width + feature)
    return _StageStatistics(count, runs, words.most_over_represented(tables, sae.width), entries)


def _overlap(then: _StageStatistics, at_end: _StageStatistics) -> Float[np.ndarray, " width"]:
    width = len(at_end.count)
    both = np.zeros(width, dtype=np.int64)
    for earlier, last in zip(then.entries, at_end.entries, strict=True):
        common = np.intersect1d(earlier, last, assume_unique=True)
        both += np.bincount(common % width, minlength=width)
    return ratio(both, then.count + at_end.count - both)


@torch.no_grad()
def _cosine(
    then: Float[Tensor, "width d"], became: Float[Tensor, "width d"]
) -> Float[np.ndarray, " width"]:
    a, b = then.double(), became.double()
    lengths = a.norm(dim=1) * b.norm(dim=1)
    cosine = torch.where(lengths > _NO_LENGTH, (a * b).sum(1) / lengths, torch.nan)
    return np.asarray(cosine.clamp(-1, 1).cpu().numpy())


def _by_feature(columns: list[dict[str, Any]], width: int) -> pa.Table:
    """The stages one below the other for each feature in turn."""
    order = np.arange(len(columns) * width).reshape(len(columns), width).T.ravel()
    joined = {name: [value for column in columns for value in column[name]] for name in columns[0]}
    joined["feature"] = list(range(width)) * len(columns)
    arrays = [pa.array(joined[f.name], f.type, from_pandas=True) for f in HISTORY]
    return pa.table(arrays, schema=HISTORY).take(pa.array(order))
