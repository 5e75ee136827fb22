"""Views: every registered one has vectors, content and spans that belong together."""

import numpy as np
import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError, DataError
from sparsetime.registry import components_of
from sparsetime.sequence_models.views.positions import sine_positions
from sparsetime.sequence_models.views.view import ViewComponent
from sparsetime.state import RecurrentState

D = 8


def view_of(kind, **settings):
    return ViewComponent.from_config(
        {"kind": kind, **ViewComponent.kinds[kind].example, **settings}
    )


def input_of(view, steps, batch=2):
    generator = torch.Generator().manual_seed(0)
    if view.kind == "symbols":
        return torch.randint(5, (batch, steps), generator=generator)
    shape = view.frame if view.kind == "tubes" else (view.settings["d_in"],)
    return torch.randn(batch, steps, *shape, generator=generator)


@pytest.mark.parametrize("kind", components_of("view"))
@pytest.mark.parametrize("steps", [8, 11])
def test_vectors_spans_and_layout_have_one_length(kind, steps):
    view = view_of(kind)
    x = input_of(view, steps)
    vectors, spans = view(x), view.spans(steps)
    assert vectors.shape == (2, view.layout(steps).count, D)
    assert spans.shape == (vectors.shape[1], 2)
    assert (np.diff(spans, axis=1) == view.size).all()
    assert spans[-1, 1] <= steps
    if view.content_size is not None:
        assert view.content(x).shape == (*vectors.shape[:2], view.content_size)


@pytest.mark.parametrize("kind", components_of("view"))
@torch.no_grad()
def test_a_vector_depends_on_the_steps_of_its_span_alone(kind):
    view = view_of(kind)
    x = input_of(view, 12)
    before = view(x)
    for step in (0, 5, 11):
        changed = x.clone()
        changed[:, step] = (changed[:, step] + 1) % 5 if kind == "symbols" else changed[:, step] + 1
        moved = (view(changed) - before).abs().amax((0, 2)) > 1e-7
        spans = view.spans(12)
        inside = (spans[:, 0] <= step) & (step < spans[:, 1])
        assert moved.numpy().tolist() == inside.tolist()


def test_tubes_hold_their_pixels_row_by_row():
    view = view_of("tubes")
    x = torch.arange(4 * 8 * 8 * 3.0).reshape(1, 4, 8, 8, 3)
    content = view.content(x).reshape(
        2, 2, 2, 2, 4, 4, 3
    )  # time, row, column; frame, y, x, channel
    assert torch.equal(content[1, 0, 1, 1], x[0, 3, 0:4, 4:8])


def test_overlapping_patches_begin_a_stride_apart():
    view = view_of("patches", size=4, stride=2)
    assert view.spans(9).tolist() == [[0, 4], [2, 6], [4, 8]]
    x = torch.arange(9.0)[None, :, None].expand(1, -1, 3)
    assert view.content(x)[0, 1].reshape(4, 3)[:, 0].tolist() == [2, 3, 4, 5]


def test_positions_differ_and_repeat():
    sines = sine_positions(50, 6)
    assert torch.cdist(sines, sines).fill_diagonal_(1).min() > 0.01
    assert torch.equal(sines[:20], sine_positions(20, 6))
    assert sine_positions(3, 5).shape == (3, 5)


def test_bad_input_of_views_is_refused_in_words():
    with pytest.raises(DataError, match="got sequences of 3 steps, expected at least one patch of"):
        view_of("patches")(torch.zeros(1, 3, 3))
    with pytest.raises(DataError, match=r"expected \[batch, steps, 3\]"):
        view_of("patches")(torch.zeros(1, 8, 2))
    with pytest.raises(ConfigError, match="got pixels=3 of frames of 8 by 8, expected a divisor"):
        view_of("tubes", pixels=3)
    with pytest.raises(DataError, match=r"expected \[batch, frames, 8, 8, 3\]"):
        view_of("tubes")(torch.zeros(1, 4, 8, 8, 1))
    with pytest.raises(ConfigError, match="whose vectors stand for symbols, expected a view of"):
        view_of("symbols").content(torch.zeros(1, 2, dtype=torch.long))
    with pytest.raises(ConfigError, match="got the view 'values' without positions"):
        view_of("values").positions(view_of("values").layout(3))
    model = st.compose_model({"kind": "patches", "size": 2}, "rnn", d=D, d_in=3)
    with pytest.raises(ConfigError, match="got a state for the view 'patches' with positions"):
        model(torch.zeros(1, 4, 3), RecurrentState())


def test_patches_without_positions_continue_with_a_state():
    view = {"kind": "patches", "size": 2, "positions": False}
    model = st.compose_model(view, "rnn", d=D, d_in=3).double()
    x = torch.randn(2, 12, 3, dtype=torch.float64)
    state = RecurrentState()
    pieces = torch.cat([model(part, state) for part in x.split(4, 1)], 1)
    torch.testing.assert_close(pieces, model(x))
    with pytest.raises(DataError, match="got a piece of 5 steps with a state, expected a multiple"):
        model(x[:, :5], state)
    overlapping = st.compose_model({**view, "stride": 1}, "rnn", d=D, d_in=3).double()
    with pytest.raises(ConfigError, match="got a state for overlapping patches"):
        overlapping(x, RecurrentState())
    with pytest.raises(ConfigError, match="whose view joins 2 steps, expected one vector a step"):
        overlapping.stream()


def test_scales_embed_a_number_at_the_scales_of_its_size():
    view = view_of("scales")
    with torch.no_grad():
        x = torch.randn(2, 8, 3)
        small, large = view(1e-3 * x), view(1e3 * x)
        shape = slice(0, 12)  # of the map: the normalised shape, which is the same
        torch.testing.assert_close(
            *(view.map.weight[:, shape] @ _shape(view, k * x)[0, 0] for k in (1e-3, 1e3)),
            rtol=1e-2,
            atol=1e-2,
        )
        assert (small - large).abs().max() > 0.05
        linear = view_of("patches")
        assert linear(1e3 * x).abs().max() > 50 * view(1e3 * x).abs().max()


def _shape(view, x):
    windows = view.content(x).unflatten(2, (view.size, 3))
    spread = windows.std(2, correction=0, keepdim=True) + 1e-6
    return ((windows - windows.mean(2, keepdim=True)) / spread).flatten(2)


def test_channel_patches_are_time_after_time_and_channel_after_channel():
    view = view_of("channel_patches")
    x = torch.arange(24.0).reshape(1, 8, 3)
    assert view.content(x)[0, 4].tolist() == x[0, 4:8, 1].tolist()
    assert view.layout(8).places == 3


def test_a_tone_is_loudest_in_the_band_of_its_frequency():
    view = view_of("spectrogram", size=256, bands=20)
    time = torch.arange(1024) / 16_000
    low, high = (view.content(torch.sin(6.2832 * f * time)[None, :, None]) for f in (300, 3000))
    assert (low[0].argmax(1) < 6).all()
    assert (high[0].argmax(1) > 11).all()
    louder = view.content(10 * torch.sin(6.2832 * 300 * time)[None, :, None])
    assert torch.allclose(louder[0, :, 3], low[0, :, 3] + 2, atol=1e-3)  # 20 dB
    silent = view.content(torch.zeros(1, 512, 1))
    assert torch.allclose(silent, torch.full_like(silent, -5.0))
    with pytest.raises(ConfigError, match="expected one channel and at most 8 bands"):
        view_of("spectrogram", size=16, bands=9)
