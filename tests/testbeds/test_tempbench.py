"""TempBench's beds: what is known in closed form of each generator, chance levels, ceilings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError
from sparsetime.testbeds import BEDS, direction_score, tempbench, tempbench_score
from sparsetime.testbeds.tempbench import (
    coloured_sources,
    instruction_phases,
    multilane_tones,
    self_exciting,
)
from sparsetime.testbeds.tempbench.readout import read_steps, read_windows, readout_of_rows

CODE_BEDS = [name for name in BEDS if name != "coloured_sources"]


def latents(bed: str, **settings):
    data = tempbench(bed, **settings)
    return data, data.latents


def lag_one_correlation(values: np.ndarray) -> float:
    early, late = values[:, :-1].ravel(), values[:, 1:].ravel()
    return float(np.corrcoef(early, late)[0, 1])


def test_markov_chains_have_their_rates():
    data, found = latents("markov_supports", frequency=0.3, persistence=0.8, seen=0.5)
    state, emitted = found["state"], found["emitted"]
    assert state.mean() == pytest.approx(0.3, abs=0.005)
    after_active = state[:, 1:][state[:, :-1] == 1].mean()
    after_inactive = state[:, 1:][state[:, :-1] == 0].mean()
    assert after_active == pytest.approx(0.8 + 0.2 * 0.3, abs=0.005)
    assert after_inactive == pytest.approx(0.2 * 0.3, abs=0.005)
    assert emitted[state == 1].mean() == pytest.approx(0.5, abs=0.005)
    assert not emitted[state == 0].any()
    dense = (emitted * found["value"]) @ data.directions.numpy()
    np.testing.assert_allclose(data.activations.numpy(), dense, atol=1e-5)


def test_the_forward_algorithm_is_calibrated():
    data = tempbench("markov_supports", false_alarm=0.1)
    belief = BEDS["markov_supports"].best(data, 8).ravel()
    state = data.latents["state"][:, read_steps(64)].ravel()
    for low in np.arange(0, 1, 0.1):
        within = (belief >= low) & (belief < low + 0.1)
        if within.sum() > 2000:
            assert state[within].mean() == pytest.approx(belief[within].mean(), abs=0.03)


def test_coupled_features_are_an_or_of_their_parents():
    _, found = latents("coupled_chains", sequences=200)
    parents = found["coupling"]
    assert (parents.sum(axis=1) == 2).all()
    for feature in range(20):
        chains = found["state"][:, :, parents[feature] == 1]
        np.testing.assert_array_equal(found["emitted"][:, :, feature], chains.any(axis=-1))
    assert lag_one_correlation(found["state"]) == pytest.approx(0.7, abs=0.03)


def test_the_joint_forward_algorithm_is_that_of_single_chains_without_coupling():
    """One parent a feature, and every chain with features: the chains can be filtered alone."""
    joint = tempbench("coupled_chains", sequences=40, hidden=3, parents=1, seen=0.5, features=9)
    coupling, emitted = joint.latents["coupling"], joint.latents["emitted"]
    belief = BEDS["coupled_chains"].best(joint, 4)
    steps = read_steps(64)
    expected = np.full(belief.shape, 0.05)
    for back in (3, 2, 1, 0):
        if back < 3:
            expected = 0.7 * expected + 0.3 * 0.05
        seen = emitted[:, steps - back]
        for chain in range(3):
            children = seen[:, :, coupling[:, chain] == 1]
            likely = np.full(belief.shape[:2], 0.5 ** children.shape[2])
            active = expected[:, :, chain] * likely
            inactive = (1 - expected[:, :, chain]) * ~children.any(axis=-1)
            expected[:, :, chain] = active / (active + inactive)
    np.testing.assert_allclose(belief, expected, atol=1e-4)


def test_self_excitation_has_its_rate_and_intensities():
    data, found = latents("self_exciting")
    event, intensity = found["event"], found["intensity"]
    w = self_exciting.weights(data.settings)
    assert w == pytest.approx([1.90, 1.16], abs=0.01)  # published: 1.90 and 1.16
    assert event.mean() == pytest.approx(0.12, abs=0.005)
    a = self_exciting.baseline(data.settings)
    logit = a + w[0] * event[:, 1:-1] + w[1] * event[:, :-2]
    np.testing.assert_allclose(intensity[:, 2:], 1 / (1 + np.exp(-logit)))
    assert event[intensity > 0.3].mean() == pytest.approx(
        intensity[intensity > 0.3].mean(), abs=0.02
    )


def test_one_step_says_of_the_intensity_what_its_event_does():
    data, found = latents("self_exciting")
    score = tempbench_score(data.activations, data, 1)
    bound = np.sqrt(found["intensity"].var() / found["event"].var())
    assert score.ceiling == pytest.approx(bound, abs=0.03)
    assert tempbench_score(data.activations, data, 3).ceiling == pytest.approx(1)


def test_modes_last_as_long_as_they_should():
    _, found = latents("change_points")
    mode, since = found["mode"], found["steps since a change"]
    changed = mode[:, 1:] != mode[:, :-1]
    assert changed.mean() == pytest.approx(1 / 1.73, abs=0.01)
    assert np.bincount(mode.ravel()) / mode.size == pytest.approx(1 / 8, abs=0.01)
    np.testing.assert_array_equal(since[:, 1:], np.where(changed, 0, since[:, :-1] + 1))


@pytest.mark.parametrize("bed", ["cyclic_frequency", "phase_pairs", "permuted_tones"])
def test_points_are_on_the_circle(bed):
    data, found = latents(bed, noise=0.0, sequences=20)
    angle = 2 * np.pi * found["position"] / 101
    expected = np.stack([np.cos(angle), np.sin(angle)], axis=-1) @ data.directions.numpy()
    np.testing.assert_allclose(data.activations.numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(data.directions @ data.directions.T, np.eye(2), atol=1e-6)


def test_a_tone_has_one_line_in_its_spectrum():
    data, found = latents("cyclic_frequency", noise=0.0, time=101, sequences=30)
    coordinates = data.activations.numpy() @ data.directions.numpy().T
    power = np.abs(np.fft.fft(coordinates[..., 0] + 1j * coordinates[..., 1], axis=1)) ** 2
    np.testing.assert_array_equal(power.argmax(axis=1), found["velocity"])
    assert power.max(axis=1) / power.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_both_directions_of_time_have_equal_power():
    """Projections on any fixed direction; the sign of the cross-spectrum alone differs."""
    data, found = latents("phase_pairs", noise=0.0, time=101, speeds=(12,), sequences=400)
    x = data.activations.numpy().astype(np.float64)
    spectrum = np.fft.rfft(x @ data.directions.numpy().T.astype(np.float64), axis=1)
    forwards = found["velocity"] > 0
    assert 150 < forwards.sum() < 250
    power = np.abs(spectrum) ** 2
    assert power[forwards].mean(0) == pytest.approx(power[~forwards].mean(0), abs=1e-4)
    cross = (spectrum[:, 12, 0] * spectrum[:, 12, 1].conj()).imag
    assert (np.sign(cross) == np.where(forwards, 1, -1)).all()


def test_lanes_are_orthogonal_and_the_best_code_reads_each():
    data = tempbench("multilane_tones")
    planes = data.directions.numpy()
    np.testing.assert_allclose(planes @ planes.T, np.eye(6), atol=1e-6)
    codes = multilane_tones.best_codes(data, 8)
    target = data.target[:, read_steps(64)]
    right = np.mean(
        [codes[..., 10 * k : 10 * k + 10].argmax(-1) == target[..., k] for k in range(3)]
    )
    assert right == pytest.approx(0.906, abs=0.02)  # the published oracle at 8 steps


def test_schedules_are_permutations_and_the_matched_filter_reads_them():
    data, found = latents("permuted_tones")
    np.testing.assert_array_equal(np.sort(found["table"], axis=1), np.tile(np.arange(101), (10, 1)))
    for window, published in ((2, 0.43), (4, 0.99), (8, 1.0)):
        codes = BEDS["permuted_tones"].best(data, window)
        right = codes.argmax(-1) == data.target[:, read_steps(64), 0]
        assert right.mean() == pytest.approx(published, abs=0.03)


def test_sources_are_white_up_to_the_lag():
    data, found = latents("coloured_sources", noise=0.0)
    x, z = data.activations.numpy().astype(np.float64), found["source"]
    pairs = len(x) * 62
    np.testing.assert_allclose(
        np.einsum("sti,stj->ij", x, x) / (len(x) * 64), np.eye(32), atol=0.03
    )
    next_step = np.einsum("sti,stj->ij", x[:, :-1], x[:, 1:]) / (len(x) * 63)
    np.testing.assert_allclose(next_step, 0, atol=0.03)
    at_lag = np.einsum("sti,sti->i", z[:, :-2], z[:, 2:]) / pairs
    np.testing.assert_allclose(at_lag, np.linspace(0.1, 0.9, 32), atol=0.02)


def test_directions_at_chance_and_at_the_ceiling():
    data = tempbench("coloured_sources")
    random = torch.randn(200, 32, generator=seeds.torch_generator(5, "random inputs"))
    score = direction_score(random, data, 1)
    assert score.score == pytest.approx(score.chance, abs=0.02)
    assert score.ceiling == score.chance
    best = torch.from_numpy(coloured_sources.best_directions(data))
    score = direction_score(best, data, 3)
    assert score.score == pytest.approx(score.ceiling)
    assert score.ceiling > 0.9
    assert direction_score(data.directions, data, 3).recovery == pytest.approx(1, abs=1e-6)
    with pytest.raises(MismatchError, match=r"got candidates of shape \(4, 5\), expected"):
        direction_score(torch.ones(4, 5), data, 3)


def test_phases_last_and_repeat_as_they_should():
    data, found = latents("instruction_phases")
    phase = found["phase"]
    stays = phase[:, 1:] == phase[:, :-1]
    for number, dwell in enumerate(data.settings.dwell):
        share = stays[phase[:, :-1] == number].mean()
        assert share == pytest.approx(1 - 1 / dwell, abs=0.02)


def test_no_additive_readout_is_above_the_floor():
    data = tempbench("instruction_phases")
    floor = instruction_phases.additive_floor(data, 2)
    pairs = data.latents["phase"][:, read_steps(64)], data.latents["phase"][:, read_steps(64) - 1]
    same = pairs[0] == pairs[1]
    random = seeds.numpy_generator(0, "random inputs")
    reached = []
    for _ in range(3000):
        f, g = random.standard_normal((2, 5))
        said = f[pairs[0]] + g[pairs[1]] > 0
        reached.append((said[same].mean() + 1 - said[~same].mean()) / 2)
    assert max(reached) <= floor + 1e-9
    assert max(reached) > floor - 0.05
    assert instruction_phases.additive_floor(data, 1) < floor < 1


@pytest.mark.parametrize("bed", CODE_BEDS)
def test_random_codes_are_at_chance(bed):
    data = tempbench(bed, sequences=400)
    generator = seeds.torch_generator(1, "random inputs")
    codes = torch.randn(*data.target.shape[:2], 8, generator=generator)
    score = tempbench_score(codes, data, 1)
    chance = 0.5 if bed == "instruction_phases" else score.chance
    assert score.score == pytest.approx(chance, abs=0.04)


@pytest.mark.parametrize("bed", CODE_BEDS)
def test_the_best_codes_reach_the_ceiling_and_the_truth_is_above(bed):
    data = tempbench(bed, sequences=400)
    best = BEDS[bed].best(data, 4)
    codes = np.zeros((*data.target.shape[:2], best.shape[2]))
    codes[:, read_steps(data.target.shape[1])] = best
    score = tempbench_score(torch.from_numpy(codes), data, 4)
    assert score.score == pytest.approx(score.ceiling)
    assert score.ceiling > score.chance + 0.15
    target = data.target[:, read_steps(64)]
    wide = np.eye(data.classes + 1)[target] if data.classes else target
    truth = readout_of_rows(wide.reshape(*target.shape[:2], -1), target, data.classes)
    assert truth >= score.ceiling - 1e-9
    assert truth == pytest.approx(1)


@pytest.mark.parametrize(
    "bed", ["change_points", "cyclic_frequency", "multilane_tones", "phase_pairs", "permuted_tones"]
)
def test_activations_of_one_step_are_at_chance(bed):
    data = tempbench(bed)
    score = tempbench_score(data.activations, data, 1)
    assert score.score == pytest.approx(score.chance, abs=0.03)


@pytest.mark.parametrize("bed", list(BEDS))
def test_beds_are_functions_of_their_seed(bed):
    one, twin, other = (tempbench(bed, sequences=8, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.activations, twin.activations)
    np.testing.assert_array_equal(one.target, twin.target)
    assert not torch.equal(one.activations, other.activations)
    assert one.activations.shape[:2] == one.target.shape[:2] == (8, 64)


def test_refusals():
    with pytest.raises(UnknownNameError, match="phase_pairs"):
        tempbench("phase_pair")
    with pytest.raises(ConfigError, match="speed"):
        tempbench("phase_pairs", speed=3)
    with pytest.raises(ConfigError, match="expected at most as many parents"):
        tempbench("coupled_chains", parents=11)
    with pytest.raises(ConfigError, match="one of each for every phase"):
        tempbench("instruction_phases", dwell=(2.0, 2.0))
    data = tempbench("phase_pairs", sequences=8)
    few = tempbench("phase_pairs", sequences=4)
    with pytest.raises(DataError, match="expected at least 2 and 1; use more sequences"):
        tempbench_score(few.activations, few, 1)
    with pytest.raises(ConfigError, match="got window=17, expected 1 to 16"):
        read_windows(data.target, 17)
    with pytest.raises(MismatchError, match=r"got codes of shape \(8, 3, 24\), expected \(8, 64\)"):
        tempbench_score(data.activations[:, :3], data, 1)
    sources = tempbench("coloured_sources", sequences=8)
    with pytest.raises(ConfigError, match="use direction_score"):
        tempbench_score(sources.activations, sources, 1)
