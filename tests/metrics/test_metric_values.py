"""Every figure on a code whose value follows by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from known_codes import Itself, make_store

from sparsetime.metrics.evaluate import evaluate, metrics
from sparsetime.metrics.persistence_metrics import log_histogram


@pytest.fixture
def taken(tmp_path):
    def take(
        sequences, *names, groups=None, gain=1.0, scale=1.0, parts=("high", "low"), **settings
    ):
        width = np.asarray(sequences[0]).shape[1]
        sae = Itself(width, groups=groups, gain=gain, names=parts)
        sae.normalisation.scale.fill_(scale)
        store = make_store(tmp_path / "store", sequences)
        return evaluate(sae, store, names or None, progress=False, **settings)

    return take


def test_fvu_of_a_shrunk_reconstruction(taken):
    # x_hat = 0.5 x: residual 0.25 sum x^2 = 0.25 * 20; about the mean (1, 2) are 20 - 2 * 5 = 10.
    report = taken([[[2.0, 0.0]], [[0.0, 4.0]]], "fvu", gain=0.5)
    assert report["fvu"].value == pytest.approx(0.5)


def test_fvu_of_a_perfect_reconstruction_is_zero_even_far_from_zero(taken):
    rng = np.random.default_rng(0)
    x = 1e4 + rng.random((50, 3))
    report = taken([x[:20], x[20:]], "fvu")
    assert report["fvu"].value == pytest.approx(0, abs=1e-9)


def test_fvu_of_the_mean_is_one(tmp_path):
    class Mean(Itself):
        def decode(self, code):
            return torch.tensor([1.0, 2.0]).expand(*code.shape, 2)

    store = make_store(tmp_path / "s", [[[2.0, 0.0]], [[0.0, 4.0]]])
    assert evaluate(Mean(2), store, ["fvu"], progress=False)["fvu"].value == pytest.approx(1)


def test_fvu_of_the_parts_decodes_each_alone(taken):
    # The high part gives the first coordinate: what is left is the square of the second.
    report = taken([[[2.0, 0.0], [0.0, 4.0]]], "fvu", groups=(1, 2))
    assert report["fvu"].value == 0
    assert report["fvu/high"].value == pytest.approx(16 / 10)
    assert report["fvu/low"].value == pytest.approx(4 / 10)


def test_parts_have_the_names_that_the_dictionary_gives_them(taken):
    report = taken([[[2.0, 0.0], [0.0, 4.0]]], "fvu", groups=(1, 2), parts=("predicted", "novel"))
    assert list(report) == ["fvu", "fvu/predicted", "fvu/novel"]
    assert report["fvu/predicted"].value == pytest.approx(16 / 10)


def test_fvu_without_variance_is_left_out(taken):
    report = taken([[[1.0, 2.0]] * 4], "fvu")
    assert report.left_out == {
        "fvu": "the activations do not vary, so there is no variance to explain"
    }


def test_l0_dead_and_dense(taken):
    rows = np.zeros((20, 4))
    rows[:, 0] = 1  # dense
    rows[:2, 1] = 1  # a tenth: not dense
    rows[0, 2] = 1
    report = taken([rows[:7], rows[7:]], "sparsity", groups=(1, 4))
    counts = np.array([3, 2] + [1] * 18)
    assert report["l0"].value == pytest.approx(counts.mean())
    assert report["l0_spread"].value == pytest.approx(counts.std())
    assert report["dead"].value == 0.25
    assert report["dense"].value == 0.25
    assert report["l0/high"].value == 1 and report["l0_spread/high"].value == 0
    assert report["dead/low"].value == pytest.approx(1 / 3)
    assert report["dense/high"].value == 1


def test_density_histogram_counts_each_living_latent_once(taken):
    rows = np.zeros((100, 4))
    rows[:, 0] = 1  # density 1
    rows[:10, 1] = 1  # 0.1, on an edge
    rows[:1, 2] = 1  # 0.01, on an edge
    value = taken([rows], "density_histogram")["density_histogram"].value
    edges, counts = np.array(value["edges"]), np.array(value["counts"])
    assert len(edges) == len(counts) + 1 and edges[0] == 1e-7 and edges[-1] == 1
    assert counts.sum() == 3
    assert edges[:-1][counts > 0] == pytest.approx([0.01, 0.1, 10**-0.25])


# Feature 0 runs for 3 and 1 steps, feature 1 for 2; the sequence ends cut no run.
RUNS = [[[1, 0], [1, 0], [1, 1], [0, 1], [1, 0]]]


def test_dwell(taken):
    report = taken(RUNS, "persistence")
    assert report["dwell"].value == 2
    assert report["dwell_median"].value == 2
    assert report["dwell_over_runs"].value == 2
    assert report["dwell_histogram"].value["counts"] == [0, 0, 2]
    assert report["dwell_histogram"].value["edges"] == pytest.approx([1, 2**0.5, 2, 2**1.5])


def test_dwell_counts_features_once_and_runs_once(taken):
    rows = [[1, 1], [1, 0], [1, 1], [1, 0]]
    report = taken([rows], "dwell", "dwell_over_runs")
    assert report["dwell"].value == 2.5
    assert report["dwell_over_runs"].value == 2
    assert set(report) == {"dwell", "dwell_over_runs"}


def test_flicker(taken):
    report = taken(RUNS, "persistence")
    # Switches: 1 on at step 2; 0 off at 3; 0 on and 1 off at 4. Active on pairs: 2 + 3 + 3 + 2.
    assert report["flicker"].value == pytest.approx(4 / 4)
    assert report["flicker_share"].value == pytest.approx(4 / (2 + 3 + 3 + 2))


def test_flicker_share_of_a_code_that_never_changes(taken):
    assert taken([[[1, 0], [1, 0]]], "flicker_share")["flicker_share"].value == 0


def test_flicker_share_of_a_code_that_always_changes(taken):
    assert taken([[[1, 0], [0, 1], [1, 0]]], "flicker_share")["flicker_share"].value == 1


def test_half_life_of_a_square_wave(taken):
    wave = np.tile(np.repeat([1.0, 0.0], 20), 50)[:, None]
    report = taken([wave], "persistence")
    assert report["half_life"].value == pytest.approx(5, rel=0.03)
    assert report["half_life_median"].value == report["half_life"].value
    assert report["half_life_censored"].value == 0
    assert sum(report["half_life_histogram"].value["counts"]) == 1


def test_half_lives_that_are_not_reached_are_counted(taken):
    rising = [[float(n)] for n in range(1, 101)]
    report = taken([rising] * 2, "half_life", "half_life_censored", "between_share")
    assert 15 <= report["half_life"].value <= 20, "a fifth of the sequences is what is read"
    assert report["half_life_censored"].value == 1


def test_a_feature_that_varies_between_sequences_alone_has_no_half_life(taken):
    report = taken([[[1.0]] * 50, [[0.0]] * 50], "half_life", "half_life_censored")
    assert report.left_out["half_life"].startswith("no feature varies over the steps of a sequence")


def test_variance_between_sequences(taken):
    rng = np.random.default_rng(0)
    coins = [(rng.random((100, 1)) < 0.5) * float(n % 5 == 0) for n in range(40)]
    report = taken([coin.tolist() for coin in coins], "persistence")
    assert report["half_life"].value == pytest.approx(0.5, abs=0.05)
    assert report["between_share"].value == pytest.approx(0.04 / 0.09, abs=0.06)


def test_variance_between_sequences_needs_two(taken):
    one = taken([[[1.0], [0.0]] * 50], "between_share")
    assert one.left_out["between_share"].startswith(
        "there is one sequence, so nothing lies between"
    )


def test_persistence_of_the_parts(taken):
    report = taken(RUNS, "persistence", groups=(1, 2))
    assert report["dwell/high"].value == 2
    assert report["dwell_over_runs/low"].value == 2
    assert report["flicker/high"].value == pytest.approx(2 / 4)
    assert report["flicker/high"].value + report["flicker/low"].value == report["flicker"].value


def test_persistence_without_firing_or_pairs_is_left_out(taken):
    silent = taken([[[0.0], [-1.0]]], "persistence")
    assert silent.left_out["dwell"] == "no feature fires on this data"
    assert silent.left_out["half_life"] == "no feature varies over the steps of a sequence"
    assert silent.left_out["flicker_share"] == "no feature fires on this data"
    assert silent["flicker"].value == 0


def test_persistence_without_neighbours_is_left_out(taken):
    single = taken([[[1.0]], [[2.0]]], "persistence")
    assert single.left_out["flicker"] == (
        "no sequence has two steps, so nothing can switch between steps"
    )


def test_smoothness_is_the_largest_ratio(taken):
    # Between steps 0 and 1 both coordinates move: |3| / 5 and |4| / 5; then only the first, by 1.
    x = [[0.0, 0.0], [3.0, 4.0], [4.0, 4.0]]
    report = taken([x], "smoothness", groups=(1, 2))
    assert report["smoothness/high"].value == pytest.approx(1)
    assert report["smoothness/low"].value == pytest.approx(0.8)
    assert report["smoothness"].value == pytest.approx(0.9)


def test_smoothness_is_a_mean_over_sequences_and_ignores_the_silent(taken):
    first = [[1.0, 0.0, -1.0], [2.0, 0.0, -1.0]]  # ratio 1
    second = [[1.0, 0.0, 0.0], [1.0, 0.0, -3.0]]  # ratio 0: x moves, the latent does not
    still = [[1.0, 1.0, 0.0]] * 3  # x does not move
    assert taken([first, second, still], "smoothness")["smoothness"].value == pytest.approx(0.5)


def test_smoothness_does_not_depend_on_the_scale_of_the_model(taken):
    # With the scale 2 the normalised x moves half as far, and so the ratio doubles.
    x = [[0.0], [3.0]]
    assert taken([x], "smoothness", scale=2.0)["smoothness"].value == pytest.approx(2)


def test_smoothness_of_what_never_moves_is_left_out(taken):
    report = taken([[[1.0]] * 3], "smoothness")
    assert report.left_out["smoothness"].startswith("no sequence has an active latent and two st")


@given(st.lists(st.lists(st.integers(-2, 3), min_size=2, max_size=2), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None)
def test_smoothness_agrees_with_dense_differences(rows):
    from sparsetime.metrics.smoothness import _steepest

    x = torch.tensor(rows, dtype=torch.float64)
    moved = x.diff(dim=0).norm(dim=1)
    sae = Itself(2)
    found = _steepest(sae.encode(x), moved.numpy())
    f = x.clamp_min(0)
    for latent in range(2):
        if not (f[:, latent] > 0).any():
            assert math.isnan(found[latent])
            continue
        change = f[:, latent].diff().abs()
        ratio = (change[moved > 0] / moved[moved > 0]).max() if (moved > 0).any() else 0.0
        assert found[latent] == pytest.approx(float(ratio))


def test_log_histogram():
    found = log_histogram(np.array([1.0, 1.3, 2.0, 8.0]), 1.0)
    assert found["counts"] == [2, 0, 1, 0, 0, 0, 1]
    assert found["edges"][-1] == pytest.approx(2**3.5)


def test_every_metric_has_a_specification():
    for name, metric in metrics().items():
        spec = metric.spec
        assert spec.name == name
        texts = (spec.definition, spec.equation, spec.range, spec.source, spec.blind_to)
        assert all(texts)
