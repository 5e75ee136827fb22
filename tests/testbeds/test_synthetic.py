"""Synthetic testbed: frequencies, dwell times and relations are those of the settings."""

import numpy as np
import pytest
import torch

import sparsetime as st
from sparsetime.config import validated
from sparsetime.errors import ConfigError, StoreError
from sparsetime.testbeds.synthetic.generate import SyntheticData, synthetic_data
from sparsetime.testbeds.synthetic.on_off_process import lengths
from sparsetime.testbeds.synthetic.settings import SyntheticSettings


@pytest.fixture(scope="module")
def played() -> SyntheticData:
    return synthetic_data(
        SyntheticSettings(sequences=64, time=2048, longest=100.0, state_dwell=200.0)
    )


def dense(played: SyntheticData) -> np.ndarray:
    return played.code.dense().numpy()


def of_kind(played: SyntheticData, kind: str) -> list[dict]:
    return [row for row in played.features.to_pylist() if row["kind"] == kind]


def stretch_lengths(on: np.ndarray) -> np.ndarray:
    """Of the segments that lie wholly within a sequence: on is [sequences, time]."""
    edges = np.diff(np.pad(on.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    _, begins = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    whole = (begins > 0) & (ends < on.shape[1])
    return (ends - begins)[whole]


def test_the_activations_are_the_true_code_times_the_atoms_plus_noise_of_the_stated_size(played):
    rest = played.activations - played.code.dense() @ played.atoms
    assert float(rest.std()) == pytest.approx(played.settings.noise, rel=0.01)
    assert float(rest.mean()) == pytest.approx(0, abs=1e-3)
    torch.testing.assert_close(played.atoms.norm(dim=1), torch.ones(256))


def test_the_code_is_a_valid_one_and_has_a_row_of_features_for_each_latent(played):
    assert played.code.shape == played.state.shape == (64, 2048)
    assert (
        played.features["latent"].to_pylist() == list(range(256)) == list(range(played.code.width))
    )
    inside = played.code.row_of_entry[1:] == played.code.row_of_entry[:-1]
    assert bool((played.code.indices.diff()[inside] > 0).all())
    assert bool((played.code.values != 0).all())


def test_features_are_on_as_often_as_their_table_says(played):
    realised = (dense(played) != 0).mean(axis=(0, 1))
    rows = played.features.to_pylist()
    expected = np.array([row["frequency"] for row in rows])
    # The number of segments, not of steps, is what the law of large numbers counts.
    segments = expected * 64 * 2048 / np.array([row["dwell"] for row in rows])
    hangs = np.array([row["kind"] in ("child", "follower", "state") for row in rows])
    error = np.abs(realised / expected - 1)
    assert np.all(error[~hangs] < 6 / np.sqrt(segments[~hangs]) + 0.02)
    for kind in ("child", "follower", "state"):  # as often as those they hang on allow
        some = [row["latent"] for row in of_kind(played, kind)]
        assert realised[some].sum() == pytest.approx(expected[some].sum(), rel=0.15)
    assert realised.sum() == pytest.approx(expected.sum(), rel=0.05)


def test_frequencies_follow_zipfs_law_and_no_feature_is_on_too_often(played):
    settings = played.settings
    highest = max(row["frequency"] for row in played.features.to_pylist())
    assert highest <= settings.highest_frequency
    free = SyntheticSettings(
        width=50, active=1.0, families=0, pairs=0, bidirectional=0, circles=0, state_features=0,
        sequences=1, time=10, highest_frequency=0.5,
    )  # fmt: skip
    frequencies = sorted(synthetic_data(free).features["frequency"].to_pylist(), reverse=True)
    np.testing.assert_allclose(frequencies, frequencies[0] / np.arange(1, 51))
    assert sum(frequencies) == pytest.approx(1.0)


def test_dwell_times_have_the_mean_that_the_table_says(played):
    on = dense(played) != 0
    for row in of_kind(played, "plain")[:40]:
        found = stretch_lengths(on[:, :, row["latent"]])
        if len(found) < 50:
            continue
        # Whole segments within a sequence are a little shorter than all segments.
        error = 6 / np.sqrt(len(found)) + row["dwell"] / 2048 * 2
        assert found.mean() == pytest.approx(row["dwell"], rel=error + row["frequency"])


def test_mean_dwells_are_log_uniform():
    played = synthetic_data(
        SyntheticSettings(width=2000, sequences=1, time=2, active=1.0, state_features=0)
    )
    logs = np.sort(np.log([row["dwell"] for row in of_kind(played, "plain")])) / np.log(500)
    assert np.abs(logs - np.linspace(0, 1, len(logs))).max() < 0.04  # Kolmogorov-Smirnov


@pytest.mark.parametrize(("shape", "variance"), [(1.0, 9 * 10), (4.0, 9 * (1 + 9 / 4))])
def test_lengths_are_one_plus_a_negative_binomial_of_the_stated_shape(shape, variance):
    found = lengths(10.0, shape, (200, 1000), np.random.default_rng(0))
    assert found.min() == 1
    assert found.mean() == pytest.approx(10, rel=0.01)
    assert found.var() == pytest.approx(variance, rel=0.03)


def test_a_child_is_on_only_while_its_parent_is(played):
    on = dense(played) != 0
    children = of_kind(played, "child")
    assert len(children) == 24
    for row in children:
        alone = on[:, :, row["latent"]] & ~on[:, :, row["parent"]]
        assert not alone.any()
        assert on[:, :, row["latent"]].any()


def test_followers_are_on_with_their_leaders_far_above_chance(played):
    on = dense(played) != 0
    for row in of_kind(played, "follower"):
        leads, follows = on[:, :, row["leader"]], on[:, :, row["latent"]]
        assert follows[leads].mean() > 0.5 > 5 * follows[~leads].mean()


def test_bidirectional_features_have_both_signs_and_one_a_stretch(played):
    values = dense(played)
    for row in of_kind(played, "bidirectional"):
        value = values[:, :, row["latent"]]
        assert (value > 0).any() and (value < 0).any()
    plain = values[:, :, [row["latent"] for row in of_kind(played, "plain")]]
    assert plain.min() == 0


def test_a_circle_turns_once_a_period(played):
    values = dense(played)
    x_rows = of_kind(played, "circle")[::2]
    assert len(x_rows) == 4
    for row in x_rows:
        x, y = values[:, :, row["latent"]], values[:, :, row["partner"]]
        angle = np.unwrap(np.arctan2(y, x), axis=1)
        both = (x[:, 1:] != 0) & (x[:, :-1] != 0)
        turned = np.mod(np.diff(angle, axis=1)[both], 2 * np.pi)
        np.testing.assert_allclose(turned, 2 * np.pi / row["period"], rtol=1e-2, atol=1e-3)


def test_the_slow_state_gates_its_features(played):
    on, state = dense(played) != 0, played.state.numpy()
    assert set(np.unique(state)) == {0, 1, 2, 3}
    found = stretch_lengths(state == 2)
    assert found.mean() == pytest.approx(200, rel=0.25)
    for row in of_kind(played, "state"):
        feature = on[:, :, row["latent"]]
        assert feature[state == row["state"]].mean() > 4 * feature[state != row["state"]].mean()


def test_equal_seeds_give_equal_bits_and_others_do_not():
    small = {"sequences": 4, "time": 64}
    one, same, other = (synthetic_data(SyntheticSettings(seed=seed, **small)) for seed in (3, 3, 4))
    assert torch.equal(one.activations, same.activations)
    assert torch.equal(one.code.values, same.code.values)
    assert one.features == same.features
    assert not torch.equal(one.activations, other.activations)


def test_the_first_step_is_like_any_other():
    played = synthetic_data(SyntheticSettings(sequences=2000, time=2, width=96, shortest=50.0))
    first = (dense(played)[:, 0] != 0).mean(axis=0)
    expected = np.array(played.features["frequency"].to_pylist())
    # Nothing has begun or ended because the sequence did.
    assert np.all(np.abs(first - expected) < 5 * np.sqrt(expected / 2000) + 1e-3)


def test_settings_that_cannot_be_are_refused_with_what_to_do():
    with pytest.raises(ConfigError, match="need 96 latents and the width is 64; ask for fewer"):
        validated(SyntheticSettings, {"width": 64})
    with pytest.raises(ConfigError, match="shortest is above longest"):
        validated(SyntheticSettings, {"shortest": 30, "longest": 20})
    with pytest.raises(ConfigError, match="did you mean 'noise'"):
        validated(SyntheticSettings, {"nois": 0.1})


def test_a_folder_with_other_numbers_is_refused(tmp_path):
    """Steps and labels agree, so that only the values show that the truth is another."""
    small = {"sequences": 4, "time": 50, "d": 8, "width": 6, "active": 2.0}
    small |= {"families": 0, "pairs": 0, "bidirectional": 0, "circles": 0, "state_features": 0}
    bed = st.testbed("synthetic", out=tmp_path, progress=False, states=1, **small)
    assert bed.store.sequence(0).values.equal(bed.truth.activations[0])
    with pytest.raises(StoreError, match="which holds a synthetic testbed of other random numbers"):
        st.testbed("synthetic", out=tmp_path, progress=False, states=1, seed=1, **small)
