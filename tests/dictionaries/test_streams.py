"""Streams: one step after another, as whole sequences are encoded."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.errors import DataError, MismatchError


@pytest.fixture
def sae():
    return st.dictionary("topk", d_in=16, width=64, k=4)


def test_pieces_equal_the_whole(sae):
    x = planted(60, seed=8).reshape(3, 20, 16)
    state = sae.stream()
    pieces = [state.feed(part) for part in x.split([7, 1, 12], dim=1)]
    assert [code.shape for code in pieces] == [(3, 7), (3, 1), (3, 12)]
    dense = torch.cat([code.dense() for code in pieces], 1)
    torch.testing.assert_close(dense, sae.encode(x).dense(), rtol=1e-5, atol=1e-6)
    assert state.steps == 20


def test_one_vector_is_one_stream(sae):
    x = planted(3, seed=8)
    state = sae.stream()
    assert state.step(x[0]).shape == (1,)
    assert state.feed(x[1:]).shape == (2,)


def test_another_number_of_streams_is_refused(sae):
    state = sae.stream()
    state.step(torch.zeros(5, 16))
    with pytest.raises(
        MismatchError, match=r"got steps of streams of shape \(4,\), expected \(5,\)"
    ):
        state.step(torch.zeros(4, 16))
    state.reset()
    assert state.step(torch.zeros(4, 16)).shape == (4,)


def test_another_width_is_refused(sae):
    with pytest.raises(MismatchError, match="expected 16 as the last dimension"):
        sae.stream().step(torch.zeros(5, 15))


def test_steps_come_in_order(sae):
    state = sae.stream()
    x = torch.zeros(3, 16)
    state.step(x, time=1.0)
    state.step(x, time=torch.tensor([2.0, 3.0, 2.5]))
    with pytest.raises(DataError, match=r"stream 1 got the time 2\.9 after 3"):
        state.step(x, time=2.9)
    state.reset(torch.tensor([1]))
    state.step(x, time=2.9)
    with pytest.raises(DataError, match="stream 0 got the time 4 after 5"):
        state.feed(torch.zeros(3, 3, 16), times=torch.tensor([3.0, 5.0, 4.0]))
    with pytest.raises(DataError, match=r"stream 0 got the time nan after 2\.9"):
        state.step(x, time=float("nan"))
    assert state.steps == 3


LOOKING_BACK = {
    "delta": {},
    "hysteresis": {},
    "leaky_crosscoder": {"window": 3},
    "onset": {},
    "replacing_trace": {},
    "spectral_crosscoder": {"window": 3, "bands": 2},
    "temporal_feature_analysis": {"past": 3, "heads": 2},
    "window_crosscoder": {"window": 3},
}


def made(name):
    sae = st.dictionary(name, d_in=16, width=64, k=4, **LOOKING_BACK[name])
    if "crosscoder" not in name:  # whose beginning is fitted to windows
        init_from_data(sae, planted(500, seed=1))
    return sae


def kept(state):
    """The bytes of every tensor that is kept of the past, but for those of codes."""
    states = state._state._states.values()
    values = [value for one in states for value in vars(one).values()]
    return [value.numel() * value.element_size() for value in values if torch.is_tensor(value)]


@pytest.mark.parametrize("name", LOOKING_BACK)
def test_thousands_of_streams_equal_their_wholes_in_constant_memory(name):
    sae, x = made(name), planted(24_000, seed=8).reshape(3000, 8, 16)
    assert sae.is_stateful
    state, sizes, steps = sae.stream(), [], []
    for t in range(8):
        code = state.step(x[:, t])
        steps.append(code.dense())
        sizes.append(kept(state))
    assert all(size == sizes[0] for size in sizes)
    torch.testing.assert_close(torch.stack(steps, 1), sae.encode(x).dense(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LOOKING_BACK)
def test_a_piece_without_steps_changes_nothing(name):
    sae, x = made(name), planted(40, seed=8).reshape(2, 20, 16)
    state = sae.stream()
    pieces = [state.feed(part) for part in x.split([0, 7, 0, 13], dim=1)]
    dense = torch.cat([code.dense() for code in pieces], 1)
    torch.testing.assert_close(dense, sae.encode(x).dense(), rtol=1e-4, atol=1e-5)
    assert sae.encode(x[:, :0]).shape == (2, 0)


def test_times_out_of_order_are_shown_with_the_digits_that_differ():
    stream = st.dictionary("topk", d_in=3, width=8, k=2).stream()
    stream.step(torch.zeros(3), time=1_700_000_000.2)
    with pytest.raises(
        DataError, match=r"got the time 1700000000\.1 after 1700000000\.2, expected"
    ):
        stream.step(torch.zeros(3), time=1_700_000_000.1)
