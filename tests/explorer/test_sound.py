"""Sound of a recording: WAV by ranges, the player and its line, clips, exports, in Chromium too."""

from __future__ import annotations

import functools
import io
import threading
import wave
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from browsing import watched_page
from fastapi.testclient import TestClient
from small_run import add_untrained

import sparsetime as st
from sparsetime.activations.capture.document import Document
from sparsetime.errors import DataError
from sparsetime.explorer.export import export
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.sound import HEADER, byte_range
from sparsetime.explorer.workbench.spectrogram import spectrogram
from sparsetime.explorer.workbench.workbench import Workbench

RATE, STEPS, TONE = 4000, 6000, 500.0
AT = "/api/dictionaries/topk/sequences/0/sound.wav"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tone of 500 Hz in the second half of 1.5 s, and a model that reads each sample."""
    folder = tmp_path_factory.mktemp("sound")
    values = torch.sin(torch.arange(STEPS) * (2 * torch.pi * TONE / RATE))
    values[: STEPS // 2] *= 0.01
    document = Document("tone", values=values, recording=st.Recording(rate=RATE, channels=["mic"]))
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(1, 16))
    store = st.capture(
        model, [document], "0", folder / "activations", keep_input=True, window=2000, progress=False
    )
    add_untrained(folder, store, "topk")
    return folder, values.numpy()


@pytest.fixture(scope="module")
def client(run):
    with TestClient(make_app(Workbench(run[0])), base_url="http://localhost") as client:
        yield client


def test_the_sound_is_a_wav_file_of_the_values(client, run):
    answer = client.get(AT)
    assert answer.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (RATE, 1, STEPS)
        samples = np.frombuffer(file.readframes(STEPS), "<i2")
    np.testing.assert_allclose(samples / (0.9 * 32767), run[1], atol=1e-4)


@pytest.mark.parametrize(
    "asked", ["0-43", "0-", "40-57", "45-46", "101-4000", "-10", "11990-20000"]
)
def test_ranges_are_the_bytes_of_the_file(client, asked):
    whole = client.get(AT).content
    part = client.get(AT, headers={"Range": f"bytes={asked}"})
    first, last = (int(edge) if edge else None for edge in asked.split("-"))
    expected = whole[-last:] if first is None else whole[first : None if last is None else last + 1]
    assert (part.status_code, part.content) == (206, expected)
    place = len(whole) - len(expected) if first is None else first
    assert part.headers["content-range"] == (
        f"bytes {place}-{place + len(expected) - 1}/{HEADER + 2 * STEPS}"
    )


def test_a_range_beyond_the_end_is_refused_and_nonsense_is_the_whole(client):
    assert client.get(AT, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert client.get(AT, headers={"Range": "lines=1-2"}).status_code == 200
    with pytest.raises(DataError, match="expected one within 100 bytes"):
        byte_range("bytes=100-", 100)
    with pytest.raises(DataError, match="expected one within 100 bytes"):
        byte_range("bytes=-0", 100)


def test_the_spectrogram_is_loudest_at_the_tone_and_when_it_sounds(run):
    import base64

    view = spectrogram(Workbench(run[0]).opened, "topk", 0)
    levels = np.frombuffer(base64.b64decode(view.levels), np.uint8).reshape(view.bins, view.columns)
    at = (np.arange(view.bins) + 0.5) / view.bins * view.top
    assert abs(at[levels.sum(1).argmax()] - TONE) < view.top / view.bins
    middle = (STEPS / 2 - view.begin) / view.stride
    loud = levels.max(0) > 200
    assert abs(int(loud.argmax()) - middle) <= 4 and loud[int(middle) + 4 : -4].all()


@pytest.fixture
def tab(browser):
    with watched_page(browser, allowed=("Canvas2D:",), width=1280, height=900) as page:
        yield page


@pytest.fixture(scope="module")
def explorer(run):
    explorer = st.explore(run[0], browser=False)
    yield explorer
    explorer.stop()


def test_the_timeline_is_played_with_a_moving_line(tab, explorer):
    tab.goto(f"{explorer.url}timeline?s=0&from=0&to={STEPS}")
    tab.wait_for_selector(".view[data-ready]")
    seconds = tab.evaluate("""async () => {
      const audio = document.querySelector("audio.player");
      await audio.play();
      await new Promise((done) => setTimeout(done, 400));
      audio.pause();
      await new Promise((done) => setTimeout(done, 200));
      return [audio.duration, audio.currentTime]; }""")
    assert seconds[0] == pytest.approx(STEPS / RATE, abs=0.01)
    assert 0.05 < seconds[1] < 1.5
    ink = [
        tab.evaluate(
            """(step) => {
          const canvas = document.querySelector("canvas.timeline"), ratio = devicePixelRatio;
          const x = Math.round((268 + step * (canvas.clientWidth - 268)) * ratio);
          const y = canvas.height - 60 * ratio;
          const { data } = canvas.getContext("2d").getImageData(x - 3, y, 7, 1);
          return data.filter((_, i) => i % 4 === 3).reduce((sum, one) => sum + one, 0); }""",
            place,
        )
        for place in (seconds[1] * RATE / STEPS, 0.6)
    ]
    # A line between two pixels is half on each; where the player is not, there is none.
    assert ink[0] > ink[1] + 200


def test_an_example_is_played_and_saved_as_one_file(tab, explorer, tmp_path):
    tab.goto(f"{explorer.url}features")
    tab.wait_for_selector(".view[data-ready]")
    tab.locator("a.line").first.click()
    tab.wait_for_selector(".band blockquote .play")
    tab.locator(".play").first.click()
    tab.wait_for_function("() => document.querySelector('.play').textContent === '■'")
    tab.wait_for_function("() => document.querySelector('.play').textContent === '▶'")
    with tab.expect_download() as saved:
        tab.locator("button.clip").first.click()
    clip = tmp_path / "clip.html"
    saved.value.save_as(clip)
    tab.goto(clip.as_uri())
    shown = tab.evaluate("""async () => {
      const audio = document.querySelector("audio");
      await new Promise((done) => { audio.onloadedmetadata = done; audio.load(); });
      const { width, height } = document.querySelector("canvas");
      const { data } = document.querySelector("canvas").getContext("2d")
        .getImageData(0, 0, width, height);
      return [audio.duration, data.some((v) => v)]; }""")
    assert 0.75 <= shown[0] <= 1.51 and shown[1]  # as much around it as there is


def test_an_export_has_the_sound_and_plays_it(run, tab, tmp_path):
    out = tmp_path / "site"
    export(run[0], out, progress=False)
    with wave.open(str(out / "data/0/sequences/0.wav")) as file:
        assert file.getnframes() == STEPS

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(out)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tab.goto(f"http://127.0.0.1:{server.server_address[1]}/#/timeline?s=0")
    tab.wait_for_selector("audio.player")
    seconds = tab.evaluate("""async () => {
      const audio = document.querySelector("audio.player");
      await audio.play();
      audio.pause();
      return audio.duration; }""")
    note = tab.locator(".control.sound .count").inner_text()
    tab.goto("about:blank")  # nothing is loading any more when the server ends
    server.shutdown()
    server.server_close()
    assert seconds == pytest.approx(STEPS / RATE, abs=0.01) and note == ""
