"""Half-lives with confidence."""

from __future__ import annotations

import numpy as np
import pytest
from chains import as_code, two_state
from known_codes import code_of

from sparsetime.errors import DataError
from sparsetime.features import timescales
from sparsetime.metrics.temporal.timescale import timescale
from sparsetime.segments import Segments


def test_the_half_life_of_a_chain_lies_in_its_interval():
    # Of a chain that stays with the chance s, both on and off, the autocorrelation is (2 s - 1)^L.
    rng = np.random.default_rng(0)
    stays = [0.7, 0.9, 0.97]
    found = timescale(as_code(*(two_state(rng, s, s, 60, 800) for s in stays)))
    want = np.log(0.5) / np.log(2 * np.array(stays) - 1)
    # The straight line between lags cuts a corner where the half-life is below a step or two.
    want[0] = 0.5 / 0.6
    assert (found.low < want).all() and (want < found.high).all()
    assert (found.high / found.low < 1.4).all()
    assert found.median.value == found.steps[1]
    assert found.null == pytest.approx([0.5] * 3, abs=0.05)
    assert found.median.beyond_null
    assert not found.censored.any()


def test_it_is_the_half_life_of_the_index():
    rng = np.random.default_rng(1)
    code = as_code(*(rng.random((7, 90)) * two_state(rng, s, 0.9, 7, 90) for s in (0.5, 0.9, 0.99)))
    plain = timescales.half_life(code, Segments.even(7, 90))
    found = timescale(code)
    assert found.steps == pytest.approx(plain.steps)
    assert found.censored.tolist() == plain.censored.tolist()


def test_a_feature_of_few_sequences_is_less_sure():
    rng = np.random.default_rng(2)
    many = two_state(rng, 0.95, 0.95, 30, 300)
    few = many * (np.arange(30) < 3)[:, None]
    found = timescale(as_code(many, few))
    width = found.high - found.low
    assert width[1] > 1.5 * width[0]


def test_a_half_life_beyond_the_lags_is_censored():
    found = timescale(as_code([list(range(100))] * 2), max_lag=7)
    assert found.steps.tolist() == [7]
    assert found.censored.tolist() == [True]
    rate = {"times": np.tile(0.5 * np.arange(100.0), 2), "max_lag": 3.5}
    assert timescale(as_code([list(range(100))] * 2), **rate).steps.tolist() == [7]


def test_what_lies_between_sequences_is_no_memory():
    """The value and its interval of a coin in 8 of 40 sequences, and of one in all."""
    rng = np.random.default_rng(3)
    coin = rng.random((40, 100)) < 0.5
    found = timescale(as_code(coin * (np.arange(40) % 5 == 0)[:, None], coin))
    assert (found.low < 0.6).all() and (found.high < 0.7).all()
    assert found.between_by_feature == pytest.approx([0.04 / 0.09, 0], abs=0.06)
    assert found.between.beyond_null
    alone = timescale(as_code(coin)).between
    assert not alone.beyond_null and alone.null == 0


def test_silent_features_are_unknown_and_one_sequence_gives_no_interval():
    wave = np.tile(np.repeat([1, 0], 20), 50)
    found = timescale(as_code(wave, np.zeros(2000)), times=0.5 * np.arange(2000.0))
    assert found.steps[0] == pytest.approx(5, rel=0.03)
    assert np.isnan(found.steps[1])
    assert np.isnan(found.low).all() and found.median.interval is None
    assert found.step == 0.5


@pytest.mark.parametrize("lengths", [[0, 300, 300], [300, 0, 300], [300, 300, 0]])
def test_sequences_without_steps_change_nothing(lengths):
    chain = two_state(np.random.default_rng(3), 0.8, 0.9, 1, 600)
    code = as_code(chain).reshape(600)
    assert repr(timescale(code, lengths)) == repr(timescale(code, [300, 300]))


def test_lags_and_sequences_that_allow_no_pair_are_refused():
    with pytest.raises(DataError, match="a lag of 1 steps leaves no pairs: the longest sequence"):
        timescale(code_of([[1], [0]]), [1, 1])
    with pytest.raises(DataError, match="got max_lag of 0, expected at least 1 step"):
        timescale(code_of([[1], [0]]), max_lag=0)
