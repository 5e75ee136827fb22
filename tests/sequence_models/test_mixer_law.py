"""The law of every registered mixer: whole = pieces of any length = steps; and its gradients."""

import pytest
import torch
from sequence_models.mixer_cases import CONFIGS, WHOLE_SEQUENCE, mixer_of, sequences

from sparsetime.errors import ConfigError
from sparsetime.sequence_models.mixers.mixer import state_numbers
from sparsetime.state import RecurrentState

GROWING = {"attention", "relative_attention", "local_linear", "hopfield", "sparsemax"}
TIME = 21  # no multiple of any chunk or window of the cases


def in_pieces(mixer, x, lengths, state=None):
    """Outputs of consecutive pieces, each with the state of the one before."""
    state = RecurrentState() if state is None else state
    parts = x.split(lengths, 1)
    return torch.cat([mixer(part, state) for part in parts], 1), state


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_whole_pieces_and_steps_are_equal(name):
    mixer, x = mixer_of(name), sequences(TIME)
    whole = mixer(x)
    for lengths in ([1] * TIME, [2, 5, 1, 7, 6], [TIME]):
        pieces, state = in_pieces(mixer, x, lengths)
        torch.testing.assert_close(pieces, whole, rtol=1e-11, atol=1e-11)
        assert state_numbers(state.get(mixer)) == mixer.state_size(TIME)


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_float32_pieces_are_within_1e_5(name):
    mixer, x = mixer_of(name, torch.float32), sequences(128, dtype=torch.float32)
    pieces, _ = in_pieces(mixer, x, [1, 7, 64, 56])
    torch.testing.assert_close(pieces, mixer(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_a_later_input_changes_nothing_before_it(name):
    mixer, x = mixer_of(name), sequences(TIME)
    changed = x.clone()
    changed[:, 13:] += 1
    before, after = mixer(x), mixer(changed)
    torch.testing.assert_close(after[:, :13], before[:, :13], rtol=1e-12, atol=1e-12)
    assert (after[:, 13:] - before[:, 13:]).abs().amax((0, 2)).min() > 1e-6


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_an_earlier_input_is_read_later_from_one_step_on(name):
    """Also in a sequence shorter than a chunk."""
    mixer, x = mixer_of(name), sequences(3)
    changed = x.clone()
    changed[:, 0] += 1
    later = mixer(changed)[:, 1:] - mixer(x)[:, 1:]
    assert later.abs().max() > 1e-8


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_a_stream_that_is_reset_alone_begins_again(name):
    """The other stream continues, also within a chunk."""
    mixer, x = mixer_of(name), sequences(TIME)
    state = RecurrentState()
    mixer(x[:, :6], state)
    state.reset(torch.tensor([True, False]))
    second = torch.cat([mixer(x[:, 6:9], state), mixer(x[:, 9:], state)], 1)
    torch.testing.assert_close(second[0], mixer(x[:, 6:])[0], rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(second[1], mixer(x)[1, 6:], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_of_inputs_and_weights_are_those_of_finite_differences(name):
    mixer, x = mixer_of(name), sequences(6, batch=1).requires_grad_()
    direction = torch.randn(
        x.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    weights = list(mixer.parameters())
    total = (mixer(x) * direction).sum()
    gradients = torch.autograd.grad(total, [x, *weights], allow_unused=True)
    assert all(gradient is not None for gradient in gradients)
    generator = torch.Generator().manual_seed(1)
    moves = [torch.randn(p.shape, generator=generator, dtype=torch.float64) for p in [x, *weights]]
    slope = sum(float((g * move).sum()) for g, move in zip(gradients, moves, strict=True))
    epsilon = 1e-6
    totals = []
    with torch.no_grad():
        for sign in (1, -1):
            for tensor, move in zip([x, *weights], moves, strict=True):
                tensor += sign * epsilon * move
            totals.append(float((mixer(x) * direction).sum()))
            for tensor, move in zip([x, *weights], moves, strict=True):
                tensor -= sign * epsilon * move
    assert (totals[0] - totals[1]) / (2 * epsilon) == pytest.approx(slope, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_state_is_constant_or_said_to_grow(name):
    mixer = mixer_of(name)
    grows = mixer.state_size(8 * TIME) > mixer.state_size(TIME)
    assert grows == (name in GROWING)


@pytest.mark.parametrize("name", WHOLE_SEQUENCE)
@torch.no_grad()
def test_a_mixer_of_whole_sequences_reads_both_sides_and_takes_no_state(name):
    mixer, x = mixer_of(name), sequences(9)
    changed = x.clone()
    changed[:, 4] += 1
    moved = (mixer(changed) - mixer(x)).abs().amax((0, 2)) > 1e-9
    assert moved[:4].any()
    assert moved[5:].any()
    assert mixer.state_size(9) == 0
    weights = mixer.read_weights(x)
    assert weights.shape[2:] == (9, 9)
    assert weights.triu(1).abs().max() > 1e-6
    with pytest.raises(ConfigError, match="which reads later steps, expected a causal one"):
        mixer(x, RecurrentState())
