"""Live streams: pieces of samples, and Chromium's fake microphone that plays a known file."""

from __future__ import annotations

import shutil
import wave

import numpy as np
import pytest
import torch
from browsing import ARGUMENTS, BROWSERS
from small_run import add_untrained

import sparsetime as st
from sparsetime.activations.capture.document import Document
from sparsetime.errors import DataError
from sparsetime.explorer.workbench.live_stream import LiveSamples
from sparsetime.explorer.workbench.workbench import Workbench

RATE, STEPS = 4000, 4000
LATENCY = 150  # milliseconds from sample to column


def melody():
    """Half a second of silence, then a tone of 400 Hz."""
    times = torch.arange(STEPS) / RATE
    return 0.8 * torch.sin(2 * torch.pi * 400 * times) * (times > 0.5)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("live")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh())
    recording = st.Recording(rate=RATE, channels=["mic"])
    store = st.capture(
        model, [Document("tone", values=melody(), recording=recording)], "1",
        folder / "activations", keep_input=True, window=2000, progress=False,
    )  # fmt: skip
    add_untrained(folder, store, "topk")
    return folder, model


def test_pieces_have_the_code_of_the_whole(run):
    folder, model = run
    workbench = Workbench(folder, model)
    whole = workbench.opened.code("topk", 0)
    values, at, steps = melody().numpy(), 0, []
    for size in (1, 7, 160, 160, 672):
        rows = tuple((float(value),) for value in values[at : at + size])
        given = LiveSamples(page="a", first=at, values=rows)
        chunk = workbench.streams.feed(workbench.opened, workbench.live, "topk", given)
        assert (chunk.first, len(chunk.features)) == (at, size)
        steps += chunk.features
        at += size
    for step, features in enumerate(steps):
        assert features == whole.row_slice(step, step + 1).indices.tolist()


@pytest.mark.parametrize(
    ("first", "values", "said"),
    [
        (5, ((1.0,),), "got a piece that begins at step 5, expected one at 0"),
        (0, ((1.0,), (1.0, 2.0)), "the same count of numbers in every row"),
        (0, ((float("nan"),),), "no finite number"),
        (0, ((1e300,),), "no finite number"),
        (0, ((1.0,),) * 70_000, "more than 65,536 numbers"),
    ],
)
def test_a_piece_that_does_not_fit_is_refused(run, first, values, said):
    workbench = Workbench(*run)
    given = LiveSamples(page="b", first=first, values=values)
    with pytest.raises(DataError, match=said):
        workbench.streams.feed(workbench.opened, workbench.live, "topk", given)


class Centred(torch.nn.Linear):
    """Every row reads the whole recording, as in a transformer that reads in both directions."""

    def forward(self, x):
        rows = super().forward(x)
        return rows - 3 * rows.mean(1, keepdim=True)


SITES = {
    "centred": lambda: torch.nn.Conv1d(1, 16, 9, padding=4),  # reads 4 steps ahead
    "strided": lambda: torch.nn.Conv1d(1, 16, 25, 5, padding=10),
    "the whole": lambda: Centred(1, 16),
}


class Reader(torch.nn.Module):
    """A layer over [batch, time, channels]."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.mT if isinstance(self.layer, torch.nn.Conv1d) else x)


@pytest.fixture(scope="module", params=SITES)
def ahead(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ahead")
    torch.manual_seed(0)
    model = Reader(SITES[request.param]())
    recording = st.Recording(rate=RATE)
    store = st.capture(
        *(model, [Document("tone", values=melody(), recording=recording)], "layer"),
        out=folder / "activations",
        progress=False,
    )
    add_untrained(folder, store, "topk")
    return request.param, Workbench(folder, model)


def fed(workbench, page, sizes, ends):
    values, at, steps, late = melody().numpy(), 0, [], []
    for size in sizes:
        rows = tuple((float(value),) for value in values[at : at + size])
        last = ends and at + size == len(values)
        given = LiveSamples(page=page, first=at, values=rows, ends=ends, last=last)
        chunk = workbench.streams.feed(workbench.opened, workbench.live, "topk", given)
        assert chunk.first == len(steps)
        steps += chunk.features
        at += size
        late.append((at, len(steps), chunk))
    return steps, late


def test_rows_of_models_that_read_ahead_are_those_of_the_whole(ahead):
    """Whatever the pieces, no row is of a model that found nothing behind a piece."""
    name, workbench = ahead
    whole = workbench.opened.code("topk", 0)
    steps, late = fed(workbench, "a", (3, 157, 1000, 1840, 1000), ends=True)
    assert len(steps) == whole.rows
    for step, features in enumerate(steps):
        assert features == whole.row_slice(step, step + 1).indices.tolist(), step
    if name == "the whole":
        assert [count for _, count, _ in late[:-1]] == [0] * 4
        return
    behind, per_row = {"centred": (5, 1), "strided": (15, 5)}[name]
    assert (late[0][2].behind, late[0][2].per_row) == (behind, per_row)
    assert [count for _, count, _ in late[1:-1]] == [
        (at - behind) // per_row + 1 for at, _, _ in late[1:-1]
    ]


def test_a_stream_without_an_end_is_refused_where_no_row_is_final(ahead):
    name, workbench = ahead
    if name == "the whole":
        with pytest.raises(DataError, match="depends on all later steps of a recording"):
            fed(workbench, "b", (100,), ends=False)
    else:
        assert fed(workbench, "b", (100,), ends=False)[0]


@pytest.fixture(scope="module")
def microphone(run, tmp_path_factory):
    """A page of a Chromium whose microphone plays the melody over and over."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    file = tmp_path_factory.mktemp("fake") / "melody.wav"
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, 48_000, 0, "NONE", ""))
        out.writeframes(np.repeat(melody().numpy() * 32767, 12).astype("<i2").tobytes())
    known = next(filter(None, map(shutil.which, BROWSERS)), None)
    if known is None:
        pytest.skip("chromium is not installed")
    explorer = st.explore(run[0], model=run[1], browser=False)
    fake = [
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={file}", "--autoplay-policy=no-user-gesture-required",
    ]  # fmt: skip
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=known, args=[*ARGUMENTS, *fake])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{explorer.url}live")
        page.wait_for_selector(".view[data-ready]")
        yield page, file
        browser.close()
    explorer.stop()


def test_the_microphone_becomes_columns(microphone):
    page, _ = microphone
    page.get_by_role("button", name="Listen to the microphone").click()
    page.wait_for_selector("canvas.timeline", timeout=20_000)
    latencies = []
    for _ in range(20):
        page.wait_for_timeout(100)
        latencies.append(int(page.locator("[data-latency]").get_attribute("data-latency") or 0))
    page.get_by_role("button", name="Stop listening").click()
    print("latency, ms:", sorted(latencies))
    assert np.median(latencies[5:]) < 4 * LATENCY  # a busy machine


def test_a_file_becomes_columns(microphone, tmp_path):
    page, _ = microphone
    file = tmp_path / "tone.npy"
    np.save(file, melody().numpy()[:3000])
    page.get_by_role("button", name="Listen to the microphone").click()
    held = []  # until its first columns the page says which file is read
    page.route("**/live/stream", lambda route: held.append(route))
    page.get_by_label("A file to run").set_input_files(str(file))
    page.wait_for_function(
        "() => document.querySelector('.view .count')?.textContent === 'Reading tone.npy…'"
    )
    while not held:
        page.wait_for_timeout(10)
    for route in held:
        route.continue_()
    page.unroute("**/live/stream")
    page.wait_for_function(
        "() => document.querySelector('[data-latency]')?.textContent.startsWith('3,000 samples')"
    )
    assert page.locator("canvas.timeline").count() == 1
    # A file ends the listening, and a press begins it again.
    page.get_by_role("button", name="Listen to the microphone").click()
    page.get_by_role("button", name="Stop listening").click()
