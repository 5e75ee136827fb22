from __future__ import annotations

import numpy as np
import pytest
import torch
from chains import two_state
from hypothesis import given, settings
from hypothesis import strategies as st
from known_codes import code_of, column

from sparsetime.codes import SparseCode
from sparsetime.errors import DataError
from sparsetime.features import timescales as ts
from sparsetime.segments import Segments


def segments(*offsets):
    return Segments(torch.tensor(offsets))


def test_runs_end_where_firing_stops_and_where_a_sequence_ends():
    code = code_of([[1, 0], [2, 0], [0, 1], [1, 1], [1, 0]])
    runs = ts.runs(code, segments(0, 4, 5))
    assert runs.feature.tolist() == [0, 0, 0, 1]
    assert runs.start.tolist() == [0, 3, 4, 2]
    assert runs.length.tolist() == [2, 1, 1, 2]


def test_dwell_is_the_mean_run_length_and_unknown_for_a_silent_feature():
    code = code_of([[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]])
    dwell = ts.dwell(ts.runs(code, segments(0, 4)), 3)
    assert dwell[[0, 2]].tolist() == [1.5, 1.0]
    assert np.isnan(dwell[1])


def test_dwell_of_independent_firing_is_one_over_one_less_p():
    rng = np.random.default_rng(0)
    code = column(rng.random(40_000) < 0.75)
    assert ts.dwell(ts.runs(code, segments(0, 40_000)), 1)[0] == pytest.approx(4, rel=0.03)


def test_switches_do_not_count_the_ends_of_sequences():
    code = code_of([[1, 0], [1, 1], [0, 1], [0, 1], [1, 0]])
    sequences = segments(0, 3, 5)
    switched = ts.switches(ts.runs(code, sequences), sequences, 2)
    # Feature 0: off at step 2, on at step 4. Feature 1: on at step 1, off at step 4.
    assert switched.tolist() == [2, 2]
    assert ts.neighbouring_pairs(sequences) == 3


@given(
    st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=1, max_size=20),
    st.data(),
)
@settings(max_examples=40, deadline=None)
def test_runs_and_switches_agree_with_a_plain_count(rows, data):
    cut = data.draw(st.integers(0, len(rows)))
    sequences = segments(0, cut, len(rows))
    runs = ts.runs(code_of(rows), sequences)
    assert runs.length.sum() == np.sum(rows)
    parts = [np.array(rows[:cut]).reshape(-1, 3), np.array(rows[cut:]).reshape(-1, 3)]
    plain = sum(np.abs(np.diff(part, axis=0)).sum(axis=0) for part in parts if len(part))
    assert ts.switches(runs, sequences, 3).tolist() == plain.tolist()


def test_half_life_of_a_geometric_autocorrelation():
    # A two-state chain that stays with chance s has the autocorrelation (2 s - 1)^L.
    rng = np.random.default_rng(1)
    state = np.cumsum(rng.random(200_000) < 0.05) % 2
    found = ts.half_life(column(state), segments(0, len(state)))
    assert found.steps[0] == pytest.approx(np.log(0.5) / np.log(0.9), rel=0.05)
    assert not found.censored[0]


def test_half_life_of_square_waves_is_exact():
    # Half on, half off with period 2 n: the autocorrelation falls as 1 - 2 L / n.
    wave = np.tile(np.repeat([1, 0], 20), 50)
    found = ts.half_life(column(wave), segments(0, len(wave)))
    assert found.steps[0] == pytest.approx(5, rel=0.03)


def test_half_life_beyond_the_lags_is_a_lower_bound():
    code = column(list(range(1, 101)) * 2)  # rises through each sequence
    found = ts.half_life(code, segments(0, 100, 200), max_lag=7)
    assert found.steps[0] == 7
    assert found.censored[0]


def test_a_half_life_is_read_up_to_a_fifth_of_the_sequences():
    """Further out, the mean of a sequence has taken too much of the memory with it."""
    found = ts.half_life(column(list(range(1, 101)) * 2), segments(0, 100, 200))
    assert 15 <= found.steps[0] <= 20
    assert found.censored[0]


def test_a_memoryless_feature_of_some_sequences_has_no_memory():
    """Pooled about one mean, this coin has a half-life of 11.8 steps."""
    rng = np.random.default_rng(0)
    coin = (rng.random((40, 100)) < 0.5) * (np.arange(40) < 8)[:, None]
    found = ts.half_life(column(coin.ravel()), segments(*range(0, 4001, 100)))
    assert found.steps[0] == pytest.approx(0.5, abs=0.05)
    # p q between sequences that are on: 0.25 var(on) of 0.25 var(on) + 0.2 · 0.25, var(on) = 0.16.
    assert found.between[0] == pytest.approx(0.04 / 0.09, abs=0.06)
    assert not found.censored[0]


@pytest.mark.parametrize("length", [60, 120, 1000])
def test_memory_within_sequences_is_no_difference_between_them(length):
    """A chain with a half-life of 10 steps, in sequences of six of these and more."""
    rng = np.random.default_rng(1)
    stays = (1 + 0.5 ** (1 / 10)) / 2
    count = 200_000 // length
    state = two_state(rng, stays, stays, count, length)
    cuts = segments(*range(0, count * length + 1, length))
    found = ts.half_life(column(state.ravel()), cuts)
    assert found.steps[0] == pytest.approx(10, rel=0.15)
    assert found.between[0] == pytest.approx(0, abs=0.08)
    different = state * np.repeat(rng.random(count) < 0.5, length).reshape(count, length)
    found = ts.half_life(column(different.ravel()), cuts)
    assert found.steps[0] == pytest.approx(10, rel=0.2)
    assert found.between[0] == pytest.approx(1 / 3, abs=0.08)


def test_a_feature_that_varies_between_sequences_alone():
    found = ts.half_life(column([1] * 50 + [0] * 50), segments(0, 50, 100))
    assert np.isnan(found.steps[0]) and not found.censored[0]
    assert found.between[0] == 1
    assert np.isnan(ts.half_life(column([1, 0] * 50), segments(0, 100)).between[0])


def test_half_life_is_undefined_without_variation():
    constant = column([1] * 9)
    assert np.isnan(ts.half_life(constant, segments(0, 9)).steps[0])
    assert np.isnan(ts.half_life(code_of([[0], [0]]), segments(0, 2)).steps[0])
    assert np.isnan(ts.half_life(column([1, 0]), segments(0, 1, 2)).steps[0])


def test_lags_of_few_pairs_are_not_read():
    """Of 12 sequences of 8 steps the lag 6 has 24 pairs."""
    rng = np.random.default_rng(2)
    values = rng.random(12 * 8)
    found = ts.half_life(column(values), segments(*range(0, 97, 8)))
    assert found.steps[0] == pytest.approx(0.5, abs=0.2)
    few = ts.half_life(column(values[:24]), segments(0, 8, 16, 24))  # 21 pairs at the lag 1
    assert np.isnan(few.steps[0])


@given(
    st.lists(st.floats(0, 3).map(lambda v: v if v > 1 else 0.0), min_size=90, max_size=140),
    st.integers(10, 80),
)
@settings(max_examples=40, deadline=None)
def test_half_life_agrees_with_dense_autocorrelation(values, cut):
    x = np.array(values, dtype=np.float32).astype(float)
    found = ts.half_life(column(values), segments(0, cut, len(x)))
    parts = [x[:cut], x[cut:]]
    lengths = np.array([cut, len(x) - cut])
    around = [part - part.mean() for part in parts]
    within = sum((part**2).sum() for part in around)
    if within < 1e-9:
        return
    before, level_before = 1.0, 0.5
    for lag in range(1, lengths.max()):
        left = np.maximum(lengths - lag, 0)
        q = 0.5 ** (1 / lag)
        taken = [
            (1 + 2 * sum((1 - k / n) * q**k for k in range(1, n))) / n for n in lengths.tolist()
        ]
        over_pairs, over_steps = (taken @ left) / left.sum(), (taken @ lengths) / lengths.sum()
        if left.sum() < 30 or over_pairs > 0.4:
            break
        products = sum((p[lag:] * p[:-lag]).sum() for p in around if len(p) > lag)
        now = products / left.sum() / (within / lengths.sum())
        level = (0.5 - over_pairs) / (1 - over_steps)
        if abs(now - level) < 1e-6:
            return  # a tie that rounding may decide either way
        if now < level:
            high, low = before - level_before, now - level
            assert found.steps[0] == pytest.approx(lag - 1 + high / (high - low))
            return
        before, level_before = now, level
    assert found.censored[0]


def test_lags_are_every_one_up_to_64_and_eight_an_octave_beyond():
    lags = ts.autocorrelation_lags(512)
    assert lags[:64].tolist() == list(range(1, 65))
    assert len(lags) == 64 + 24
    assert lags[-1] == 512


def test_segments_that_do_not_fit_are_refused():
    with pytest.raises(
        DataError, match=r"got segments of 3 rows for a code of 2 rows; .* ascend from 0"
    ):
        ts.runs(column([1, 1]), segments(0, 3))


def test_a_million_entries():
    rows, k = 50_000, 20
    start = torch.arange(rows)[:, None] // 7 * 31
    indices = ((start + torch.arange(k) * 97) % 2048).sort(dim=1).values
    code = SparseCode(
        torch.arange(0, rows * k + 1, k), indices.reshape(-1), torch.ones(rows * k), 2048, (rows,)
    )
    runs = ts.runs(code, segments(0, rows))
    assert ts.dwell(runs, 2048)[np.unique(indices)].min() >= 1
    assert np.nanmax(ts.half_life(code, segments(0, rows)).steps) < 512
