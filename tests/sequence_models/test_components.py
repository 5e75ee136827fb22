"""Single components: HiPPO, LSSL, Hopfield separations, experts, and the common recurrence."""

import numpy as np
import pytest
import torch
from sequence_models.mixer_cases import D, mixer_of, sequences

from sparsetime.errors import ConfigError
from sparsetime.sequence_models.channels.experts import Experts
from sparsetime.sequence_models.mixers.hippo_matrices import reconstruct, transition
from sparsetime.sequence_models.mixers.hopfield import separate
from sparsetime.sequence_models.mixers.mixer import Mixer
from sparsetime.sequence_models.recurrence import native_outputs, recurrence_of

AGES = np.linspace(0.05, 0.8, 7)


@torch.no_grad()
def test_legs_holds_a_straight_line_exactly_and_a_wave_nearly():
    mixer = Mixer.from_config({"kind": "hippo", "d": 2, "states": 24}).double()
    time = torch.arange(400, dtype=torch.float64)
    signal = torch.stack([2 - time / 400, (time / 30).sin()], 1)
    coefficients, _ = mixer.coefficients(signal[None])
    past = reconstruct(coefficients[0, -1], AGES, "legs")
    expected = signal[np.round(399 * (1 - AGES)).astype(int)].T
    assert (past[0] - expected[0]).abs().max() < 0.02
    assert (past[1] - expected[1]).abs().max() < 0.05


def test_legt_holds_its_window():
    a, b = transition("legt", 12)
    step = torch.linalg.matrix_exp(a / 200)
    gain = torch.linalg.solve(a, (step - torch.eye(12, dtype=a.dtype)) @ b)
    c = torch.zeros(12, dtype=torch.float64)
    time = torch.arange(600, dtype=torch.float64)
    signal = (time / 40).sin()
    for value in signal:
        c = step @ c + gain * value
    past = reconstruct(c, AGES, "legt")
    expected = signal[np.round(599 - 200 * AGES).astype(int)]
    assert (past - expected).abs().max() < 0.02


@torch.no_grad()
def test_lssl_is_a_convolution_and_its_step_size_scales_time():
    mixer, x = mixer_of("lssl"), sequences(50)
    recurrent, _ = mixer.filtered(x)
    torch.testing.assert_close(mixer.convolved(x), recurrent, rtol=1e-10, atol=1e-10)
    mixer.skip.zero_()
    slow = torch.linspace(0, 1, 50, dtype=torch.float64).sin()[None, :, None].expand(1, -1, D)
    fine, _ = mixer.filtered(slow)
    mixer.log_step += np.log(2)
    coarse, _ = mixer.filtered(slow[:, ::2])
    assert (coarse - fine[:, ::2]).abs().max() < 0.05 * fine.abs().max()


def test_separations_sum_to_one_and_sparse_ones_give_exact_zeros():
    score = torch.tensor([[3.0, 1.0, 2.9, -torch.inf], [0.0, -torch.inf, -torch.inf, -torch.inf]])
    for kind in ("softmax", "sparsemax", "entmax"):
        weights = separate(score, kind)
        torch.testing.assert_close(weights.sum(-1), torch.ones(2))
        assert weights[0, 3] == 0
        assert weights[1].tolist() == [1, 0, 0, 0]
    assert separate(score, "softmax")[0, 1] > 0
    sparse = separate(score, "sparsemax")[0]
    torch.testing.assert_close(sparse, torch.tensor([0.55, 0.0, 0.45, 0.0]))
    between = separate(torch.tensor([1.0, 0.5]), "entmax")
    root = between.sqrt()  # s / 2 - t on the kept entries
    assert (root[0] - root[1]).item() == pytest.approx(0.25, abs=1e-6)


def test_experts_evaluate_k_a_step_and_measure_their_load():
    experts = Experts(D, experts=4, k=2)
    x = sequences(30, dtype=torch.float32)
    y = experts(x)
    assert y.shape == x.shape
    assert 0.9 < experts.balance.item() < 4
    experts.gate.weight.data.zero_()
    experts(x)
    assert experts.balance.item() == pytest.approx(1)
    with pytest.raises(ConfigError, match="got k=3 of experts=2, expected at most all of them"):
        Experts(D, experts=2, k=3)


@pytest.mark.parametrize("name", ["gated", "lightning", "attention", "window", "lssl", "rnn"])
@torch.no_grad()
def test_the_common_recurrence_gives_the_outputs_of_the_mixer(name):
    mixer, x = mixer_of(name), sequences(7)
    rewritten = native_outputs(mixer, x, recurrence_of(mixer, x))
    torch.testing.assert_close(rewritten, mixer(x), rtol=1e-10, atol=1e-10)


def test_a_mixer_without_the_common_recurrence_is_named():
    with pytest.raises(ConfigError, match="got the mixer 'conv', expected linear attention"):
        recurrence_of(mixer_of("conv"), sequences(3))
