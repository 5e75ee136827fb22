"""Building the tables of a feature index from the code of a store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from sparsetime.codes import SparseCode
from sparsetime.features import timescales
from sparsetime.features.association import CategoryDivergence, contingency_table, over_represented
from sparsetime.features.latent_blocks import latent_blocks
from sparsetime.features.schemas import CODES, EXAMPLES, FEATURES, SEQUENCES
from sparsetime.segments import Segments

WORDS = 5
TENTHS = 10
# Building needs some 100 bytes an entry of what it works on: so it works on 400 MB at once.
_ENTRIES_AT_ONCE = 1 << 22


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
    parts, of_words, of_sequences = [], [], []
    for first, code in latent_blocks(coded.code, _ENTRIES_AT_ONCE):
        values, words, sequences = _statistics(replace(coded, code=code), first)
        parts.append(values)
        of_words.append(words)
        of_sequences.append(sequences)
    values = {name: _joined([part[name] for part in parts]) for name in parts[0]}
    # Random divergence depends on how often all features fire, so it is subtracted at the end.
    unknown = np.full(coded.code.width, np.nan)
    values["word_information"] = values["document_information"] = unknown
    if coded.words:
        share = _word_share(coded)
        values["word_information"] = CategoryDivergence.joined(of_words).information(share)
    if len(coded.numbers) > 1:
        share = _sequence_share(coded)
        values["document_information"] = CategoryDivergence.joined(of_sequences).information(share)
    arrays = [pa.array(values[f.name], f.type, from_pandas=True) for f in FEATURES]
    return pa.table(arrays, schema=FEATURES)


def _statistics(
    coded: EncodedStore, first: int
) -> tuple[dict[str, Any], CategoryDivergence, CategoryDivergence]:
    """Columns of a range of features, and how their words and sequences diverge from all steps.

    coded: with the code of the range alone. first: the number of its first feature.
    """
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
    words, of_words = _words(coded, feature, columns.rows, activation)
    numbers = np.arange(first, first + width)
    values = {
        "feature": numbers,
        "group": np.searchsorted(coded.groups, numbers, side="right"),
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
        "words": words,
        "position_density": list(_position_density(coded, feature, columns.rows)),
    }
    return values, of_words, _of_sequences(coded, runs)


def _joined(parts: list[Any]) -> Any:
    """A column of all features from those of consecutive ranges."""
    if isinstance(parts[0], list):
        return [value for part in parts for value in part]
    return np.concatenate(parts)


def example_tables(coded: EncodedStore) -> Iterator[pa.Table]:
    """Every entry, by feature, the largest |activation value| first, in parts; see EXAMPLES."""
    for first, code in latent_blocks(coded.code, _ENTRIES_AT_ONCE):
        yield _examples(replace(coded, code=code), first)


def _examples(coded: EncodedStore, first: int) -> pa.Table:
    """The examples of a range of features, of which `first` is the first."""
    code = coded.code
    value = code.values.detach().numpy().astype(np.float32)
    # One integer to sort by: the feature in the high bits, the complement of |value| in the low
    # ones. The bit patterns of non-negative floats ascend as the floats do.
    activation = np.abs(value).view(np.uint32).astype(np.uint64)
    key = code.indices.numpy().astype(np.uint64) << np.uint64(32)
    order = np.argsort(key | (np.uint64(0xFFFFFFFF) - activation), kind="stable")
    entries = _entries(coded, code, 0, first).take(pa.array(order))
    return entries.select(EXAMPLES.names).cast(EXAMPLES)


def code_tables(coded: EncodedStore) -> Iterator[pa.Table]:
    """Every entry, in order of time, in parts; see CODES."""
    code, start = coded.code, 0
    offsets = code.offsets.numpy()
    while start < code.rows:
        most = offsets[start] + _ENTRIES_AT_ONCE
        stop = max(start + 1, int(np.searchsorted(offsets, most, side="right")) - 1)
        yield _entries(coded, code.row_slice(start, stop), start)
        start = stop


def sequence_table(coded: EncodedStore) -> pa.Table:
    """The sequences; see SEQUENCES."""
    lengths = coded.segments.numpy_lengths
    arrays = [
        pa.array(column, f.type)
        for column, f in zip((coded.numbers, coded.ids, lengths), SEQUENCES, strict=True)
    ]
    return pa.table(arrays, schema=SEQUENCES)


def _entries(
    coded: EncodedStore, code: SparseCode, first_row: int, first_feature: int = 0
) -> pa.Table:
    """The entries of a part of the code in order of time.

    first_row, first_feature: the numbers of the part's first row and feature in the whole code.
    """
    row = code.row_of_entry.numpy()
    rows = slice(first_row, first_row + code.rows)
    columns = (
        coded.numbers[coded.sequence_of_row[rows]].astype(np.int32)[row],
        coded.segments.position.numpy()[rows].astype(np.int32)[row],
        code.indices.numpy().astype(np.int32) + np.int32(first_feature),
        code.values.detach().numpy().astype(np.float32),
    )
    return pa.table([pa.array(column) for column in columns], schema=CODES)


def ratio(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """`total / count`, NaN where the count is zero."""
    ratio = np.full(len(total), np.nan)
    np.divide(total, count, out=ratio, where=count > 0)
    return ratio


def _of_sequences(coded: EncodedStore, runs: timescales.Runs) -> CategoryDivergence:
    """By runs, since the steps of one run are not separate evidence."""
    kind = coded.sequence_of_row[runs.start]
    pairs = contingency_table(runs.feature, kind, np.ones(len(kind)), len(coded.numbers))
    return CategoryDivergence.of_pairs(pairs, _sequence_share(coded), coded.code.width)


def _sequence_share(coded: EncodedStore) -> Float[np.ndarray, " sequences"]:
    return np.asarray(coded.segments.numpy_lengths / coded.code.rows)


def _words(
    coded: EncodedStore, feature: np.ndarray, rows: np.ndarray, activation: np.ndarray
) -> tuple[list[list[str] | None], CategoryDivergence]:
    width = coded.code.width
    if not coded.words:
        return [None] * width, CategoryDivergence(np.full(width, np.nan), np.zeros(width))
    on_word = coded.word_of_row[rows] >= 0
    kind = coded.word_of_row[rows[on_word]]
    pairs = contingency_table(feature[on_word], kind, activation[on_word], len(coded.words))
    best = over_represented(pairs, _word_frequency(coded), width, WORDS)
    named: list[list[str] | None] = [[coded.words[i] for i in few] for few in best]
    return named, CategoryDivergence.of_pairs(pairs, _word_share(coded), width)


def _word_frequency(coded: EncodedStore) -> Float[np.ndarray, " words"]:
    """Steps of every word."""
    steps = coded.word_of_row[coded.word_of_row >= 0]
    return np.bincount(steps, minlength=len(coded.words or ())).astype(float)


def _word_share(coded: EncodedStore) -> Float[np.ndarray, " words"]:
    frequency = _word_frequency(coded)
    return np.asarray(frequency / frequency.sum())


def _position_density(coded: EncodedStore, feature: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Density in each tenth of a sequence: active steps over steps, [width, tenths]."""
    width = coded.code.width
    lengths = coded.segments.numpy_lengths
    tenth = coded.segments.position.numpy() * TENTHS // np.repeat(lengths, lengths)
    steps = np.bincount(tenth, minlength=TENTHS)
    fired = np.bincount(feature * TENTHS + tenth[rows], minlength=width * TENTHS)
    return np.asarray(fired.reshape(width, TENTHS) / np.maximum(steps, 1))
