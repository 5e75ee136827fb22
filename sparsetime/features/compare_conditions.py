"""Comparison of features between two values of a label, with recordings as units of replication."""

from __future__ import annotations

import re
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, unknown_name
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.feature_entries import FeatureEntries, feature_entries
from sparsetime.features.indexed_view import indexed_view
from sparsetime.features.labels.stored_label import sequence_labels
from sparsetime.statistics.estimate import bootstrap_weights, ratio
from sparsetime.statistics.false_discovery import benjamini_hochberg, pooled_p_values

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.index import FeatureIndex

DRAWS = 1000
FEWEST_RECORDINGS = 3  # with the feature active, below which nothing is tested
_RESAMPLES = 500
_AT_ONCE = 2048  # features
_SOURCE = "sparsetime compare"


def compare_conditions(
    index: FeatureIndex,
    store: Store,
    label: str,
    a: Any,
    b: Any,
    *,
    within: str | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> pa.Table:
    """Compare the firing rate of every feature between recordings labelled `a` and `b`.

    The rate of a recording is the share of its steps on which the feature is active, so a long
    recording counts as much as a short one. within: another label, such as a subject, whose values
    each have recordings of both conditions; conditions are then compared within each value and the
    differences averaged (before and after); recordings without it are left out, and so are those
    without steps. The statistic is

        d = sum_r c_r rate_r,    c_r = +1 / (G n_ga) in condition a, -1 / (G n_gb) in b,

    with G groups of `within` (1 without it); the null permutes c among the recordings of a group.
    p is two-sided, pooled over features that are active in about as many recordings; q corrects for
    the number of features (Benjamini-Hochberg). Features that are active in fewer than three of the
    recordings are not tested.

    Returned, and written beside the index as the feature table "compare-LABEL-A-B", are the mean
    rates, their difference with its 95% interval over recordings (over the values of `within`
    where that is given), Cohen's d, p and q. By these
    columns features are sorted and filtered.

    Errors: UnknownNameError for a label or a value that no indexed recording has; DataError for
    fewer than two recordings of a condition; ConfigError for two equal values, or fewer than 20
    draws.
    """
    if draws < 20:
        raise ConfigError(f"got draws={draws}, expected at least 20, from which p-values follow")
    view = indexed_view(index, store)
    lengths = view.segments.numpy_lengths.tolist()
    # A recording without steps has no rate, so its labels do not count.
    labels = {
        name: [value if steps else None for value, steps in zip(values, lengths, strict=True)]
        for name, values in sequence_labels(view).items()
    }
    of_recording = _condition(labels, label, a, b)
    if within is not None and within in labels:
        of_recording[[value is None for value in labels[within]]] = 0
    recordings = np.flatnonzero(of_recording != 0)
    group = _groups(labels, within, recordings)
    contrast = _contrast(of_recording[recordings], group, (label, a, b), within)
    rates = _rates(feature_entries(index), recordings)
    arrangements = _arrangements(of_recording[recordings], group)
    columns = _statistics(rates, contrast, of_recording[recordings], group, draws, seed)
    first, second = _plain(a), _plain(b)
    prefix = f"{_plain(label)} {first} vs {second}"
    values = dict(zip((f"{prefix} {n}" for n in columns), columns.values(), strict=True))
    note = f"; {arrangements:,} arrangements of {len(recordings)} recordings"
    definitions = [
        ColumnDefinition(f"{prefix} {name}", "float64", text.format(a=first, b=second) + note,
                         unit, _SOURCE)
        for name, (text, unit) in _TEXTS.items()
    ]  # fmt: skip
    name = f"compare-{_file(label)}-{_file(a)}-{_file(b)}"[:64]
    index.add_table(name, {"feature": np.arange(index.width), **values}, definitions)
    return index.tables[name].table


_RATE = "share of steps"
_TEXTS = {
    "rate a": ("mean over recordings of {a} of the share of steps it is active on", _RATE),
    "rate b": ("mean over recordings of {b} of the share of steps it is active on", _RATE),
    "difference": ("mean rate of {a} less that of {b}", _RATE),
    "low": ("lower end of the 95% interval of the difference, over recordings", _RATE),
    "high": ("upper end of the 95% interval of the difference, over recordings", _RATE),
    "effect": ("Cohen's d: the difference over the standard deviation within conditions", ""),
    "p": ("two-sided p-value, recordings permuted between {a} and {b}", ""),
    "q": ("false-discovery rate over the features, by Benjamini-Hochberg", ""),
}


def _condition(
    labels: dict[str, list[Any]], label: str, a: Any, b: Any
) -> Int[np.ndarray, " recordings"]:
    """+1 for every recording labelled a, -1 for b, 0 for others."""
    if label not in labels:
        raise unknown_name("label of recordings", label, labels)
    texts = [None if value is None else str(value) for value in labels[label]]
    if str(a) == str(b):
        raise ConfigError(f"got {a!r} twice, expected two values of {label!r} to compare")
    for value in (a, b):
        if str(value) not in texts:
            raise unknown_name(f"value of {label}", str(value), {t for t in texts if t})
        if texts.count(str(value)) < 2:
            raise DataError(
                f"got one recording with {label}={value}, expected at least two of each condition, "
                f"since recordings are the units of replication"
            )
    return np.array([(text == str(a)) - (text == str(b)) for text in texts], dtype=np.int64)


def _groups(
    labels: dict[str, list[Any]], within: str | None, recordings: Int[np.ndarray, " compared"]
) -> Int[np.ndarray, " compared"]:
    if within is None:
        return np.zeros(len(recordings), dtype=np.int64)
    if within not in labels:
        raise unknown_name("label of recordings", within, labels)
    values = [str(labels[within][place]) for place in recordings.tolist()]
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _contrast(
    condition: Int[np.ndarray, " compared"],
    group: Int[np.ndarray, " compared"],
    what: tuple[str, Any, Any],
    within: str | None,
) -> Float[np.ndarray, " compared"]:
    """The weight c of every recording; 0 in groups that lack a condition."""
    contrast = np.zeros(len(condition))
    for number in range(group.max(initial=-1) + 1):
        here = group == number
        of_a, of_b = here & (condition > 0), here & (condition < 0)
        if of_a.any() and of_b.any():
            contrast[of_a], contrast[of_b] = 1 / of_a.sum(), -1 / of_b.sum()
    compared = len(np.unique(group[contrast != 0]))
    if within is not None and compared < 2:
        label, a, b = what
        raise DataError(
            f"got {compared} values of {within!r} with recordings of both {label}={a} and "
            f"{label}={b}, expected at least two; compare without within="
        )
    return contrast / compared


def _rates(entries: FeatureEntries, recordings: Int[np.ndarray, " compared"]) -> Any:
    """Share of active steps, as a scipy CSC matrix [compared, width]."""
    counts = entries.count_by_sequence()[recordings]
    return counts.multiply(1 / entries.lengths[recordings][:, None]).tocsc().astype(np.float32)


def _statistics(
    rates: Any,
    contrast: Float[np.ndarray, " compared"],
    condition: Int[np.ndarray, " compared"],
    group: Int[np.ndarray, " compared"],
    draws: int,
    seed: int,
) -> dict[str, Float[np.ndarray, " width"]]:
    """The columns of `_TEXTS`."""
    width = rates.shape[1]
    permuted = _permuted(contrast, group, draws, seed)
    in_a, in_b = (condition > 0).astype(float), (condition < 0).astype(float)
    resampled = _resampled(contrast, group, seed)
    out = {name: np.full(width, np.nan) for name in _TEXTS}
    out["rate a"] = np.asarray(in_a @ rates).reshape(-1) / in_a.sum()
    out["rate b"] = np.asarray(in_b @ rates).reshape(-1) / in_b.sum()
    out["difference"] = np.asarray(contrast @ rates).reshape(-1)
    null = np.empty((width, draws), dtype=np.float32)
    for first in range(0, width, _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        null[some] = np.abs(np.asarray(rates[:, some].T @ permuted.T))
        spread = np.asarray(rates[:, some].T @ resampled.T)
        out["low"][some], out["high"][some] = np.quantile(spread, (0.025, 0.975), axis=1)
    squares = rates.multiply(rates)
    variance = sum(
        np.asarray(one @ squares).reshape(-1) - one.sum() * out[name] ** 2
        for one, name in ((in_a, "rate a"), (in_b, "rate b"))
    ) / max(len(condition) - 2, 1)
    out["effect"] = ratio(out["difference"], np.sqrt(np.maximum(variance, 0)))
    active = np.diff(rates.indptr).astype(float)
    tested = np.where(active >= FEWEST_RECORDINGS, np.abs(out["difference"]), np.nan)
    out["p"] = pooled_p_values(tested, null, active)
    out["q"] = benjamini_hochberg(out["p"])
    return out


def _permuted(
    contrast: Float[np.ndarray, " compared"],
    group: Int[np.ndarray, " compared"],
    draws: int,
    seed: int,
) -> Float[np.ndarray, "draws compared"]:
    """The contrast with its weights permuted among the recordings of each group."""
    rng = seeds.numpy_generator(seed, "permuted conditions")
    order = np.lexsort((np.arange(len(group)), group))
    keys = rng.random((draws, len(group))) + group
    permuted = np.empty((draws, len(group)), dtype=np.float32)
    # By group, then at random: the k-th place of a group gets the weight of a random one of it.
    permuted[:, order] = contrast[np.argsort(keys, axis=1)]
    return permuted


def _resampled(
    contrast: Float[np.ndarray, " compared"], group: Int[np.ndarray, " compared"], seed: int
) -> Float[np.ndarray, "resamples compared"]:
    """The contrast with units drawn with replacement: whole groups, or one group's recordings."""
    weights = np.zeros((_RESAMPLES, len(contrast)), dtype=np.float32)
    compared = contrast != 0
    names, place = np.unique(group[compared], return_inverse=True)
    if len(names) > 1:
        drawn = bootstrap_weights(len(names), _RESAMPLES, seed)
        weights[:, compared] = contrast[compared] * drawn[:, place]
        return weights
    for number, weight in enumerate(np.unique(contrast[compared])):
        members = np.flatnonzero(contrast == weight)
        weights[:, members] = weight * bootstrap_weights(len(members), _RESAMPLES, seed + number)
    return weights


def _arrangements(
    condition: Int[np.ndarray, " compared"], group: Int[np.ndarray, " compared"]
) -> int:
    """How many ways there are to assign the conditions to the recordings of each group."""
    count = 1
    for number in range(group.max() + 1):
        here = condition[group == number]
        count *= comb(len(here), int((here > 0).sum()))
    return count


def _plain(text: Any) -> str:
    """Text without the characters that separate names from bounds in filters."""
    return re.sub(r"[:,]", " ", str(text))


def _file(text: Any) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", str(text)).strip("_") or "x"
