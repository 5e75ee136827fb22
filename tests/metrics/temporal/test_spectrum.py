"""Roughness and spectrum of waves and noise."""

from __future__ import annotations

import numpy as np
import pytest
from chains import as_code, two_state
from known_codes import code_of

from sparsetime.errors import DataError
from sparsetime.metrics.temporal import autocovariance
from sparsetime.metrics.temporal.sequences import in_sequences
from sparsetime.metrics.temporal.spectrum import spectrum


def test_noise_is_at_its_null():
    rng = np.random.default_rng(0)
    found = spectrum(as_code(*rng.random((4, 30, 400))))
    assert found.roughness.value == pytest.approx(2, abs=0.05)
    assert found.centre.value == pytest.approx(0.25, abs=0.005)
    low, high = found.roughness.interval
    assert low < 2 < high
    assert found.power.sum() == pytest.approx(1)
    # White: as much in every band.
    assert found.power[1:-1] == pytest.approx(np.full(63, 1 / 65), rel=0.15)


def test_the_mean_frequency_by_hand():
    # Over so few lags the variance is 1, the sum at lag 1 is r, and Parzen's weight there is 1/4.
    code = code_of([[1], [1], [0], [0], [1], [1], [1], [0]])
    mean = 5 / 8
    apart = [1 - mean, 1 - mean, -mean, -mean, 1 - mean, 1 - mean, 1 - mean, -mean]
    r = np.dot(apart[:-1], apart[1:]) / np.dot(apart, apart)
    found = spectrum(code, longest=1)
    density = np.array([1 + 2 * r / 4, 1 - 2 * r / 4])
    assert found.power == pytest.approx(density / 2)
    assert found.centre.value == pytest.approx(0.5 * density[1] / 2)


def test_the_bands_of_the_variance_give_the_autocorrelation_back():
    rng = np.random.default_rng(4)
    code = as_code(two_state(rng, 0.9, 0.95, 10, 300))
    found = spectrum(code, longest=16)
    sums = autocovariance.by_group(in_sequences(code), 16).sum(0)
    parzen = 1 - 6 / 17**2 * (1 - 1 / 17)
    shares = found.power.copy()
    shares[[0, -1]] /= 2
    shares /= shares.sum()
    again = shares @ np.cos(2 * np.pi * found.frequencies)
    assert again == pytest.approx(parzen * sums[1] / sums[0])
    assert found.centre.value == pytest.approx(shares @ found.frequencies)


def test_a_wave_has_its_power_at_its_frequency():
    t = np.arange(4000)
    found = spectrum(as_code(1 + np.sin(2 * np.pi * t / 8)), times=0.25 * t)
    assert found.frequencies[found.power.argmax()] == pytest.approx(1 / 8)
    assert found.centre.value == pytest.approx(1 / 8, abs=0.005)
    assert found.step == 0.25
    # 2 (1 - cos(2 pi / 8))
    assert found.roughness.value == pytest.approx(2 - 2**0.5, rel=0.01)


def test_a_code_that_turns_over_at_every_step():
    found = spectrum(as_code(np.tile([1, 0], 300)), longest=16)
    assert found.roughness.value == pytest.approx(4, rel=0.01)
    assert found.frequencies[found.power.argmax()] == 0.5


def test_a_chain_is_as_rough_as_its_correlation_says():
    # 2 (1 - r), where r = 2 s - 1 is the correlation of neighbours.
    rng = np.random.default_rng(1)
    found = spectrum(as_code(two_state(rng, 0.95, 0.95, 40, 500)))
    low, high = found.roughness.interval
    assert low < 0.2 < high
    assert found.roughness.beyond_null and found.centre.beyond_null


def test_differences_between_sequences_are_no_slowness():
    """A coin that is thrown at every step of some sequences, and in no other."""
    rng = np.random.default_rng(5)
    coin = (rng.random((40, 300)) < 0.5) * (np.arange(40) < 8)[:, None]
    found = spectrum(as_code(coin))
    assert found.roughness.value == pytest.approx(2, abs=0.1)
    assert found.centre.value == pytest.approx(0.25, abs=0.01)


def test_lags_are_given_in_the_unit_of_the_times():
    rng = np.random.default_rng(6)
    code = as_code(rng.random(300))
    in_time = spectrum(code, times=0.1 * np.arange(300), longest=1.6)
    assert in_time.power == pytest.approx(spectrum(code, longest=16).power)


def test_sums_agree_with_dense_ones():
    rng = np.random.default_rng(2)
    dense = np.maximum(rng.normal(size=(50, 4)), 0).astype(np.float32).astype(float)
    lengths = [20, 3, 27]
    given = in_sequences(code_of(dense.tolist()), lengths)
    parts = np.split(dense, np.cumsum(lengths)[:-1])
    centred = [part - part.mean(0) for part in parts]
    want = np.zeros((3, 6, 4))
    for g, part in enumerate(centred):
        for lag in range(min(6, len(part))):
            want[g, lag] = (part[: len(part) - lag] * part[lag:]).sum(0)
    assert autocovariance.by_group(given, 5) == pytest.approx(want.sum(-1))
    pairs = np.array([sum(max(n - lag, 0) for n in lengths) for lag in range(6)])
    covariance = want.sum(0) / pairs[:, None]
    whole, parts = autocovariance.by_feature(given, 5, np.array([1, 0, 1]))
    assert whole == pytest.approx((covariance / covariance[0]).T)
    alone = [sum(max(n - lag, 0) for n in (20, 27)) for lag in range(6)]
    part = (want[0] + want[2]) / np.array(alone)[:, None]
    assert parts[1] == pytest.approx((part / covariance[0]).T)
    assert np.isnan(parts[0, :, 3:]).all(), "three steps have no pairs three apart"
    lags = np.array([[0, 5, 2, 1]] * 3)
    found = autocovariance.at_lags(given, lags)
    for g, n in enumerate(lengths):
        for feature, lag in enumerate(lags[g]):
            value = (
                want[g, lag, feature] / (n - lag) / covariance[0, feature] if n > lag else np.nan
            )
            assert found[g, feature] == pytest.approx(value, nan_ok=True)


def test_what_has_no_spectrum_is_refused():
    with pytest.raises(DataError, match="longest of 64 steps leaves no pairs: the longest sequen"):
        spectrum(code_of([[1], [0]]))
    with pytest.raises(DataError, match="the code is the same at every step"):
        spectrum(code_of([[1]] * 5), longest=2)
    with pytest.raises(
        DataError, match=r"got longest of 0.2, expected at least 1 step of 0.5; give"
    ):
        spectrum(code_of([[1], [0], [1], [0]]), times=0.5 * np.arange(4), longest=0.2)
    with pytest.raises(DataError, match="needs regular sampling"):
        spectrum(code_of([[1], [0], [1], [0]]), times=np.array([0.0, 1, 2, 9]), longest=2)
