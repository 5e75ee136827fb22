"""What a model read where it was no text: series and frames beside a run."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import pytest
import torch
from saved_inputs import save_inputs
from small_run import add_dictionary, add_untrained, prose, write_store

import sparsetime
from sparsetime.errors import DamagedError
from sparsetime.explorer.workbench.feature import feature
from sparsetime.explorer.workbench.input_source import INPUTS
from sparsetime.explorer.workbench.inputs import input_view
from sparsetime.explorer.workbench.pictures import png
from sparsetime.explorer.workbench.workbench import Workbench

STEPS = 120


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    model = torch.nn.Linear(3, 16)
    values = torch.randn(3, STEPS, 3, generator=torch.Generator().manual_seed(0))
    store = sparsetime.capture(
        torch.nn.Sequential(model), values, "0", folder / "activations", progress=False
    )
    add_dictionary(folder, store, "batch_topk")
    series = values[0].numpy().copy()
    series[5, 1] = np.nan
    frames = np.random.default_rng(0).integers(0, 255, (STEPS, 9, 150), np.uint8)
    save_inputs(folder, {0: series, 1: frames}, ["x", "y", "z"])
    return folder


@pytest.fixture
def opened(run):
    return Workbench(run).opened


def test_a_series_comes_as_it_was(opened, run):
    view = input_view(opened, "batch_topk", 0, 10, 20)
    values = torch.randn(3, STEPS, 3, generator=torch.Generator().manual_seed(0))[0].numpy()
    assert (view.kind, view.stride, view.channels) == ("series", 1, ("x", "y", "z"))
    np.testing.assert_allclose(view.low, values[10:20].T, rtol=1e-5)
    assert view.low == view.high
    np.testing.assert_allclose(view.most, values.max(0), rtol=1e-5)
    assert input_view(opened, "batch_topk", 0, 0, 10).low[1][5] is None


def test_a_long_series_shows_the_span_of_every_column(opened):
    view = input_view(opened, "batch_topk", 0, columns=40)
    values = torch.randn(3, STEPS, 3, generator=torch.Generator().manual_seed(0))[0].numpy()
    assert view.stride == 3
    np.testing.assert_allclose(view.high[0], values[:, 0].reshape(40, 3).max(1), rtol=1e-5)
    np.testing.assert_allclose(view.low[2], values[:, 2].reshape(40, 3).min(1), rtol=1e-5)


def test_every_channel_comes_unless_fewer_are_asked_for(tmp_path):
    """A person's own lane gets all; the page's lane says of how many it draws the first."""
    values = np.arange(40 * STEPS, dtype=np.float32).reshape(STEPS, 40)
    model = torch.nn.Sequential(torch.nn.Linear(40, 16))
    store = sparsetime.capture(
        model, torch.from_numpy(values)[None], "0", tmp_path / "activations", progress=False
    )
    add_untrained(tmp_path, store, "topk")
    save_inputs(tmp_path, {0: values}, [f"lead {n}" for n in range(40)])
    opened = Workbench(tmp_path).opened
    whole = input_view(opened, "topk", 0)
    assert (len(whole.channels), len(whole.low), whole.hidden) == (40, 40, 0)
    some = input_view(opened, "topk", 0, channels=12)
    assert (some.channels, some.hidden) == (whole.channels[:12], 28)
    assert (some.low, some.most) == (whole.low[:12], whole.most[:12])
    number = int(np.argmax(opened.dictionary("topk").table.density))
    moment = feature(opened, "topk", number).bands[0].moments[0]
    assert len(moment.input.channels) == 40


def test_frames_come_as_pictures(opened):
    view = input_view(opened, "batch_topk", 1, 20, 60, frames=5)
    assert view.kind == "frames"
    assert [frame.step for frame in view.frames] == [20, 30, 40, 49, 59]
    assert view.of_frames == 40
    picture = base64.b64decode(view.frames[0].picture.removeprefix("data:image/png;base64,"))
    wide, tall = struct.unpack(">II", picture[16:24])
    assert (wide, tall) == (50, 3), "every third pixel, so that no side is beyond 72"


def test_a_png_holds_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 255, (4, 5, 3), np.uint8)
    packed = png(pixels).split(b"IDAT")[1].split(b"IEND")[0][:-8]
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(4, 16)
    assert (lines[:, 0] == 0).all()
    np.testing.assert_array_equal(lines[:, 1:].reshape(4, 5, 3), pixels)


def test_what_was_not_kept_is_none_and_text_is_text(opened, tmp_path):
    assert input_view(opened, "batch_topk", 2).kind == "none"
    store = write_store(tmp_path / "activations", [prose(0, 20)])
    add_dictionary(tmp_path, store, "batch_topk")
    assert input_view(Workbench(tmp_path).opened, "batch_topk", 0).kind == "text"


def test_moments_carry_what_was_read_around_them(opened):
    fires = np.flatnonzero(opened.dictionary("batch_topk").table.density > 0)
    moments = [
        moment
        for number in fires[:6].tolist()
        for band in feature(opened, "batch_topk", number).bands
        for moment in band.moments
    ]
    of_series = [moment for moment in moments if moment.sequence == 0]
    assert of_series
    for moment in of_series:
        assert moment.input is not None
        assert (moment.input.first, moment.input.stop) == (
            moment.first,
            moment.first + len(moment.strengths),
        )


def test_a_damaged_file_is_said(run, tmp_path):
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    opened = Workbench(copy).opened
    save_inputs(copy, {0: np.zeros(7)})
    with pytest.raises(DamagedError, match="has 7 steps of sequence 0, and the store 120"):
        input_view(opened, "batch_topk", 0)
    (copy / INPUTS).write_bytes(b"nonsense")
    with pytest.raises(DamagedError, match="cannot be read"):
        input_view(opened, "batch_topk", 0)
