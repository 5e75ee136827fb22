"""Live frames: bytes of pages as the model reads them, pictures and the camera in Chromium."""

from __future__ import annotations

import base64
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from browsing import ARGUMENTS, BROWSERS
from small_run import add_untrained

import sparsetime as st
from sparsetime.errors import DataError
from sparsetime.explorer.workbench.input_source import InputSource
from sparsetime.explorer.workbench.live_frames import frames_of
from sparsetime.explorer.workbench.live_stream import LiveSamples
from sparsetime.explorer.workbench.pictures import png
from sparsetime.explorer.workbench.workbench import Workbench

HEIGHT, WIDTH, RATE = 6, 8, 20.0
CLIP = np.random.default_rng(0).integers(0, 256, (40, HEIGHT, WIDTH, 3), dtype=np.uint8)


class FrameReader(torch.nn.Module):
    """A layer over the pixels of each frame; bytes from 0 to 255."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3 * HEIGHT * WIDTH, 16)

    def forward(self, clip):
        return self.layer(clip.flatten(2) / 255 - 0.5)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    torch.manual_seed(0)
    model = FrameReader()
    recording = st.Recording(rate=RATE)
    document = st.Document(
        "clip", values=torch.from_numpy(CLIP), step=1 / RATE, unit="second", recording=recording
    )
    store = st.capture(
        model, [document], "layer", folder / "activations", keep_input=True, progress=False
    )
    add_untrained(folder, store, "topk")
    return folder, model


def packed(frames):
    return base64.b64encode(np.ascontiguousarray(frames).tobytes()).decode()


def piece(pixels, first=0, page="a", **more):
    given = {"height": HEIGHT, "width": WIDTH, "frames": packed(pixels), **more}
    return LiveSamples(page=page, first=first, **given)


def test_pieces_have_the_code_of_the_whole(run):
    workbench = Workbench(*run)
    whole = workbench.opened.code("topk", 0)
    at, steps = 0, []
    for size in (1, 5, 34):
        given = piece(CLIP[at : at + size], first=at)
        chunk = workbench.streams.feed(workbench.opened, workbench.live, "topk", given)
        assert (chunk.first, chunk.per_row) == (at, 1)
        steps += chunk.features
        at += size
    assert steps == [whole.row_slice(n, n + 1).indices.tolist() for n in range(40)]


@pytest.mark.parametrize(
    ("frames", "more", "said"),
    [
        (CLIP[:1], {"height": 8, "width": 6}, "got frames of 8 by 6 pixels, expected 6 by 8"),
        (CLIP[0, :2], {}, "got 48 bytes of frames, expected a multiple of 144"),
        (CLIP[:1], {"frames": "???"}, "no base64"),
    ],
)
def test_frames_that_do_not_fit_are_refused(run, frames, more, said):
    workbench = Workbench(*run)
    with pytest.raises(DataError, match=said):
        workbench.streams.feed(
            workbench.opened, workbench.live, "topk", piece(frames, page="b", **more)
        )


class Kept:
    """A run whose first recording is given."""

    def __init__(self, values):
        self._shown = SimpleNamespace(store=SimpleNamespace(sequence_indices=np.zeros(1, int)))
        self._source = (
            values
            if values is None
            else InputSource(values.shape, lambda first, stop: values[first:stop])
        )

    def dictionary(self, key):
        return self._shown

    def input(self, key, number):
        return self._source


GREY = np.rint(CLIP @ [0.299, 0.587, 0.114]).astype(np.uint8)


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (CLIP, CLIP),
        (np.moveaxis(CLIP, 3, 1), np.moveaxis(CLIP, 3, 1)),
        (CLIP / np.float32(255), CLIP / np.float32(255)),
        (CLIP.astype(np.float32), CLIP.astype(np.float32)),
        (GREY, GREY),
        (GREY[..., None], GREY[..., None]),
    ],
    ids=["bytes", "colours first", "0 to 1", "0 to 255", "grey", "one colour"],
)
def test_frames_become_those_of_the_recordings(recorded, expected):
    found = frames_of(Kept(recorded), "topk", packed(CLIP), HEIGHT, WIDTH)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_frames_that_are_no_brightness_and_frames_that_are_not_kept_are_refused():
    with pytest.raises(DataError, match="hold numbers from -2"):
        frames_of(Kept(CLIP / 64.0 - 2), "topk", packed(CLIP), HEIGHT, WIDTH)
    for nothing in (None, np.zeros((40, 3))):
        with pytest.raises(DataError, match="capture with keep_input=True"):
            frames_of(Kept(nothing), "topk", packed(CLIP), HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def page(run):
    """The live page in a Chromium with a fake camera."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    known = next(filter(None, map(shutil.which, BROWSERS)), None)
    if known is None:
        pytest.skip("chromium is not installed")
    explorer = st.explore(run[0], model=run[1], browser=False)
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=known, args=[*ARGUMENTS, *fake])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{explorer.url}live")
        page.wait_for_selector(".view[data-ready]")
        yield page
        browser.close()
    explorer.stop()


def test_pictures_become_columns_in_the_order_of_their_numbers(page, run, tmp_path):
    for number, frame in enumerate(CLIP[:12]):
        (tmp_path / f"frame{number}.png").write_bytes(png(frame))
    answers = []
    page.on("response", lambda one: answers.append(one) if "live/stream" in one.url else None)
    files = sorted(str(path) for path in tmp_path.iterdir())  # frame10 before frame2
    page.get_by_label("Pictures or a video to run").set_input_files(files)
    page.wait_for_function(
        "() => document.querySelector('[data-latency]')?.textContent.startsWith('12 frames')"
    )
    page.wait_for_selector("canvas.timeline")
    steps = [features for one in answers for features in one.json()["features"]]
    whole = Workbench(*run).opened.code("topk", 0)
    assert steps == [whole.row_slice(n, n + 1).indices.tolist() for n in range(12)]


RECORDED = """async ([height, width, milliseconds]) => {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.width = width * 20;
  canvas.height = height * 20;
  const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm" });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((done) => { recorder.onstop = done; });
  recorder.start();
  const began = performance.now();
  const timer = setInterval(() => {
    pen.fillStyle = `hsl(${performance.now() % 360} 90% 50%)`;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }, 20);
  await new Promise((done) => setTimeout(done, milliseconds));
  recorder.stop();
  const seconds = (performance.now() - began) / 1000;
  await stopped;
  clearInterval(timer);
  return { bytes: [...new Uint8Array(await new Blob(parts).arrayBuffer())], seconds };
}"""


def is_the_last_of_a_file(response):
    """Whether the page has sent the steps behind which there are none."""
    return "live/stream" in response.url and response.request.post_data_json["last"]


def test_a_video_becomes_columns_at_the_rate_of_the_run(page, tmp_path):
    """A file of MediaRecorder, which does not say how long it is."""
    video = tmp_path / "clip.webm"
    recorded = page.evaluate(RECORDED, [HEIGHT, WIDTH, 800])
    video.write_bytes(bytes(recorded["bytes"]))
    answers = []
    page.on("response", lambda one: answers.append(one) if "live/stream" in one.url else None)
    with page.expect_response(is_the_last_of_a_file):
        page.get_by_label("Pictures or a video to run").set_input_files([str(video)])
    steps = [features for one in answers for features in one.json()["features"]]
    assert len(steps) == pytest.approx(RATE * recorded["seconds"], abs=5)
    page.wait_for_function(
        "said => document.querySelector('[data-latency]').textContent.startsWith(said)",
        arg=f"{len(steps)} frames; read",
    )


def test_the_camera_becomes_columns(page):
    page.get_by_role("button", name="Watch the camera").click()
    page.wait_for_function(
        "() => /[1-9]\\d frames; \\d+ ms from frame to column/"
        ".test(document.querySelector('[data-latency]')?.textContent)"
    )
    page.get_by_role("button", name="Stop watching").click()


def test_frames_that_the_server_refuses_end_the_stream_at_once(page, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(90)]
    for path in paths:
        path.write_bytes(png(CLIP[0]))
    asked = []

    def refuse(route):
        asked.append(route)
        route.fulfill(status=400, json={"error": "These frames are refused."})

    page.route("**/live/stream", refuse)
    page.get_by_label("Pictures or a video to run").set_input_files([str(one) for one in paths])
    page.wait_for_function("() => document.body.textContent.includes('These frames are refused.')")
    page.wait_for_timeout(100)
    page.unroute("**/live/stream")
    assert len(asked) == 1


def test_what_is_no_picture_is_refused_in_words(page, tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    page.get_by_label("Pictures or a video to run").set_input_files([str(tmp_path / "notes.txt")])
    page.wait_for_function(
        "() => document.body.textContent.includes('Got notes.txt, expected pictures')"
    )
