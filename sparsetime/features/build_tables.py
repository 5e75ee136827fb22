"""Building the tables of a feature index from the code of a store."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from sparsetime.codes import SparseCode
from sparsetime.features import timescales
from sparsetime.features.association import contingency_table, information, over_represented
from sparsetime.features.schemas import CODES, EXAMPLES, FEATURES, SEQUENCES
from sparsetime.segments import Segments

WORDS = 5
TENTHS = 10


@dataclass(frozen=True)
class EncodedStore:
    """The code of whole sequences, one after another, with the word of every row.

    numbers: int64 [sequences], in the whole store. ids: their names. segments: their
    rows. word_of_row: int64 [rows], -1 for none. words: the vocabulary, None for a store without
    text. groups: ends of the nested groups of latents.
    """

    code: SparseCode
    numbers: Int[np.ndarray, " sequences"]
    ids: list[str]
    segments: Segments
    word_of_row: Int[np.ndarray, " rows"]
    words: list[str] | None
    groups: tuple[int, ...]

    @property
    def sequence_of_row(self) -> Int[np.ndarray, " rows"]:
        """The sequence of every row, by its place here, not by its number in the whole store."""
        return self.segments.of_row.numpy()


def feature_table(coded: EncodedStore) -> pa.Table:
    """One row per feature; see FEATURE_COLUMNS."""
    code, width = coded.code, coded.code.width
    columns = timescales.feature_columns(code)
    feature, activation = columns.features, np.abs(columns.values)
    count = np.diff(columns.offsets)
    runs = timescales.runs(code, coded.segments)
    half_lives = timescales.half_life(code, coded.segments)
    pairs = timescales.neighbouring_pairs(coded.segments)
    switches = timescales.switches(runs, coded.segments, width)
    peak = np.full(width, np.nan)
    active = count > 0
    if active.any():
        peak[active] = np.maximum.reduceat(activation, columns.offsets[:-1][active])
    total = np.bincount(feature, weights=activation, minlength=width)
    sequence = coded.sequence_of_row
    in_sequences = contingency_table(
        feature, sequence[columns.rows], activation, len(coded.numbers)
    )
    words, word_information = _words(coded, feature, columns.rows, activation)
    values = {
        "feature": np.arange(width),
        "group": np.searchsorted(coded.groups, np.arange(width), side="right"),
        "count": count,
        "density": count / code.rows,
        "mean": ratio(total, count),
        "max": peak,
        "runs": np.bincount(runs.feature, minlength=width),
        "dwell": timescales.dwell(runs, width),
        "half_life": half_lives.steps,
        "half_life_censored": half_lives.censored,
        "between_share": half_lives.between,
        "flicker": switches / pairs if pairs else np.full(width, np.nan),
        "documents": np.bincount(in_sequences.feature, minlength=width),
        "document_information": _document_information(coded, runs),
        "word_information": word_information,
        "words": words,
        "position_density": list(_position_density(coded, feature, columns.rows)),
    }
    arrays = [pa.array(values[f.name], f.type, from_pandas=True) for f in FEATURES]
    return pa.table(arrays, schema=FEATURES)


def example_table(coded: EncodedStore) -> pa.Table:
    """Every entry, by feature, the largest |activation value| first; see EXAMPLES."""
    code = coded.code
    value = code.values.detach().numpy().astype(np.float32)
    # One integer to sort by: the feature in the high bits, the complement of |value| in the low
    # ones. The bit patterns of non-negative floats ascend as the floats do.
    activation = np.abs(value).view(np.uint32).astype(np.uint64)
    key = code.indices.numpy().astype(np.uint64) << np.uint64(32)
    order = np.argsort(key | (np.uint64(0xFFFFFFFF) - activation), kind="stable")
    return _entries(coded).take(pa.array(order)).select(EXAMPLES.names).cast(EXAMPLES)


def code_table(coded: EncodedStore) -> pa.Table:
    """Every entry, in order of time; see CODES."""
    return _entries(coded)


def sequence_table(coded: EncodedStore) -> pa.Table:
    """The sequences; see SEQUENCES."""
    lengths = coded.segments.numpy_lengths
    arrays = [
        pa.array(column, f.type)
        for column, f in zip((coded.numbers, coded.ids, lengths), SEQUENCES, strict=True)
    ]
    return pa.table(arrays, schema=SEQUENCES)


def _entries(coded: EncodedStore) -> pa.Table:
    code = coded.code
    row = code.row_of_entry.numpy()
    columns = (
        coded.numbers[coded.sequence_of_row].astype(np.int32)[row],
        coded.segments.position.numpy().astype(np.int32)[row],
        code.indices.numpy().astype(np.int32),
        code.values.detach().numpy().astype(np.float32),
    )
    return pa.table([pa.array(column) for column in columns], schema=CODES)


def ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """`total / count`, NaN where the count is zero."""
    ratio = np.full(len(total), np.nan)
    np.divide(total, count, out=ratio, where=count > 0)
    return ratio


def _document_information(coded: EncodedStore, runs: timescales.Runs) -> np.ndarray:
    """By runs, since the steps of one run are not separate evidence; null for one sequence."""
    width = coded.code.width
    if len(coded.numbers) < 2:
        return np.full(width, np.nan)
    kind = coded.sequence_of_row[runs.start]
    pairs = contingency_table(runs.feature, kind, np.ones(len(kind)), len(coded.numbers))
    return information(pairs, coded.segments.numpy_lengths / coded.code.rows, width)


def _words(
    coded: EncodedStore, feature: np.ndarray, rows: np.ndarray, activation: np.ndarray
) -> tuple[list[list[str] | None], np.ndarray]:
    width = coded.code.width
    if not coded.words:
        return [None] * width, np.full(width, np.nan)
    on_word = coded.word_of_row[rows] >= 0
    kind = coded.word_of_row[rows[on_word]]
    pairs = contingency_table(feature[on_word], kind, activation[on_word], len(coded.words))
    steps = coded.word_of_row[coded.word_of_row >= 0]
    frequency = np.bincount(steps, minlength=len(coded.words)).astype(float)
    best = over_represented(pairs, frequency, width, WORDS)
    named: list[list[str] | None] = [[coded.words[i] for i in few] for few in best]
    return named, information(pairs, frequency / frequency.sum(), width)


def _position_density(coded: EncodedStore, feature: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Density in each tenth of a sequence: active steps over steps, [width, tenths]."""
    width = coded.code.width
    lengths = coded.segments.numpy_lengths
    tenth = coded.segments.position.numpy() * TENTHS // np.repeat(lengths, lengths)
    steps = np.bincount(tenth, minlength=TENTHS)
    fired = np.bincount(feature * TENTHS + tenth[rows], minlength=width * TENTHS)
    return np.asarray(fired.reshape(width, TENTHS) / np.maximum(steps, 1))
