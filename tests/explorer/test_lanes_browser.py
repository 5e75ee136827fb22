"""What stands over the rows, and what is typed, in a real browser: series, frames, live words."""

from __future__ import annotations

import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from browsing import watched_page
from saved_inputs import save_inputs
from small_model import write_model
from small_run import add_dictionary

import sparsetime
from sparsetime.explorer.server import launch

STEPS = 120
TEXT = "The river carries the morning, a clock repeats every number. " * 8


@pytest.fixture
def tab(browser):
    # Chromium logs that reading a canvas back is slow.
    with watched_page(browser, allowed=("Canvas2D:",), width=1280, height=900) as page:
        yield page


def until(page, condition, seconds=30):
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def signals(tmp_path_factory):
    """A run of a series whose first channel steps up half way, and of frames, one half white."""
    folder = tmp_path_factory.mktemp("signals")
    values = torch.randn(2, STEPS, 3, generator=torch.Generator().manual_seed(0))
    model = torch.nn.Sequential(torch.nn.Linear(3, 16))
    store = sparsetime.capture(model, values, "0", folder / "activations", progress=False)
    add_dictionary(folder, store, "batch_topk")
    series = np.zeros((STEPS, 14), np.float32)
    series[STEPS // 2 :, 0] = 1.0
    frames = np.zeros((STEPS, 8, 8), np.uint8)
    frames[:, :, 4:] = 255
    save_inputs(folder, {0: series, 1: frames}, ["tide", *(f"drift {n}" for n in range(13))])
    explorer = sparsetime.explore(folder, browser=False)
    yield explorer
    explorer.stop()


INK = """(fraction) => {
  const c = document.querySelector("canvas.timeline"), pen = c.getContext("2d");
  const high = 90 * devicePixelRatio;
  const at = Math.round(c.width * fraction), d = pen.getImageData(at, 0, 40, high).data;
  const rows = []; for (let y = 0; y < high; y++) for (let x = 0; x < 40; x++)
    if (d[4 * (y * 40 + x) + 3] > 60) { rows.push(y); break; }
  return rows; }"""


def test_a_series_is_drawn_where_its_values_are(tab, signals):
    tab.goto(f"{signals.url}timeline?s=0&from=0&to={STEPS}&look=lines")
    tab.wait_for_selector(".view[data-ready]")
    tab.wait_for_timeout(400)
    before, after = tab.evaluate(INK, 0.35), tab.evaluate(INK, 0.85)
    assert before and after
    assert min(after) < min(before)  # the step up of the first channel


def test_many_channels_are_a_heat_map_or_lines_and_none_is_left_out(tab, signals):
    tab.goto(f"{signals.url}timeline?s=0&from=0&to={STEPS}")
    tab.wait_for_selector(".view[data-ready]")
    assert tab.get_by_label("heat map").is_checked()
    box = tab.locator("canvas.timeline").bounding_box()
    heading = tab.locator(".timeline-chart h2").bounding_box()
    assert heading["y"] + heading["height"] <= box["y"]  # where the first channel's name begins
    for row, name in enumerate(["tide", *(f"drift {n}" for n in range(13))]):
        tab.mouse.move(box["x"] + 700, box["y"] + 4 + (row + 0.5) * 14)  # 14 pixels a channel
        assert name in tab.locator("#tip").inner_text()
    tab.get_by_text("lines", exact=True).click()
    until(tab, "location.search.includes('look=lines')")
    tab.mouse.move(box["x"] + 700, box["y"] + 20)
    assert "and 2 more channels" in tab.locator("#tip").inner_text()


WHITE = """() => { const c = document.querySelector("canvas.timeline");
  const d = c.getContext("2d").getImageData(0, 0, c.width, 110 * devicePixelRatio).data;
  let white = 0, black = 0;
  for (let i = 0; i < d.length; i += 4) if (d[i + 3] === 255) {
    white += d[i] > 250 && d[i + 1] > 250 && d[i + 2] > 250;
    black += d[i] + d[i + 1] + d[i + 2] < 6; }
  return [white, black]; }"""


def test_frames_are_drawn_over_the_rows(tab, signals):
    tab.emulate_media(color_scheme="dark")
    tab.goto(f"{signals.url}timeline?s=1&from=0&to=40")
    tab.wait_for_selector(".view[data-ready]")
    until(tab, f"({WHITE})()[0] > 500")
    white, black = tab.evaluate(WHITE)
    assert white == pytest.approx(black, rel=0.3)  # half of every frame is white, half black


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A run whose model is at hand, for the live view."""
    folder = tmp_path_factory.mktemp("reader")
    write_model(folder / "model")
    run = folder / "run"
    store = sparsetime.capture(
        str(folder / "model"), [TEXT], "encoder.layer.0", run / "activations",
        window=64, overlap=16, progress=False,
    )  # fmt: skip
    sae = sparsetime.dictionary("topk", d_in=32, width=64, k=4)
    done = sparsetime.train(sae, store, out=str(run / "topk"), rows=2000, batch=64, show=False)
    sparsetime.index(done.dictionary, store, out=run / "topk" / "features", progress=False)
    explorer = sparsetime.explore(run, browser=False)
    yield SimpleNamespace(url=explorer.url, run=run)
    explorer.stop()


def test_the_score_unrolls_as_one_types(tab, reader):
    tab.goto(f"{reader.url}live")
    field = tab.wait_for_selector("textarea")
    field.type("The river carries")
    until(tab, "/after/.test(document.querySelector('.view > .count').textContent)")
    words = "document.querySelector('.passage-text')?.textContent ?? ''"
    until(tab, f"({words}).includes('carries')")
    field.type(" the morning")
    until(tab, f"({words}).includes('morning')")


def test_a_notebook_shows_the_explorer_in_its_page(tab, reader, monkeypatch, tmp_path):
    """The HTML that a notebook is given, within a page that another local server sends."""
    monkeypatch.setattr(launch, "_in_notebook", lambda: True)
    explorer = sparsetime.explore(reader.run)
    (tmp_path / "notebook.html").write_text(
        f'<!doctype html><link rel="icon" href="data:,">{explorer._repr_html_()}'
    )
    pages = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    try:
        tab.goto(f"http://127.0.0.1:{pages.server_port}/notebook.html")
        frame = tab.frame_locator("iframe")
        frame.locator(".view[data-ready] h1").wait_for()
        assert frame.locator("h1").inner_text().startswith("What ")
    finally:
        pages.shutdown()
        pages.server_close()
        explorer.stop()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
