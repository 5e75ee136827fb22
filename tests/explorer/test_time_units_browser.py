"""Every page of a run without text, in Chromium: times in its unit with steps beside, no words."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import torch
from browsing import watched_page
from saved_inputs import save_inputs
from small_run import DIMENSIONS, add_dictionary, add_untrained

import sparsetime
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.explorer import manifests
from sparsetime.features.schemas import FEATURE_COLUMNS
from sparsetime.metrics.evaluate import metrics
from sparsetime.metrics.metric import CYCLES, PER_STEP, STEPS
from sparsetime.reports.report import report

STEP, LENGTH = 0.25, 160

# What a reader sees of a page: its lines of text, and what help and screen readers say.
LINES = """() => {
  const lines = document.body.innerText.split("\\n");
  for (const e of document.querySelectorAll("[title], [aria-label], [placeholder]"))
    for (const name of ["title", "aria-label", "placeholder"])
      if (e.getAttribute(name)) lines.push(e.getAttribute(name));
  for (const e of document.querySelectorAll("svg text, svg title")) lines.push(e.textContent);
  return lines; }"""

TEXT_WORDS = re.compile(r"\b(documents?|words?|passages?|tokens?)\b", re.I)
NUMBER_OF_STEPS = re.compile(r"\d steps?\b")
TIME = re.compile(r"\d k?s\b")
UNIT_IN_STEPS = re.compile(r"(dwell|half-life|run|lag|period)[^.]*, steps\b", re.I)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Three recordings of 40 s in steps of 0.25 s, their inputs, and two dictionaries."""
    folder = tmp_path_factory.mktemp("recordings")
    writer = StoreWriter(
        folder / "activations", model_name="recorder", model_hash="abc", site="layer",
        d=DIMENSIONS, dtype="float32", unit="s", capture={},
    )  # fmt: skip
    drawn = torch.randn(3 * LENGTH, DIMENSIONS, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool1d(drawn.T[None], 7, 1, 3)[0].T
    rows = pa.table(
        {
            "sequence": pa.array(np.repeat(np.arange(3), LENGTH), pa.int32()),
            "position": pa.array(np.tile(np.arange(LENGTH), 3), pa.int32()),
        }
    )
    table = {"id": [f"recording {n}" for n in range(3)], "length": [LENGTH] * 3}
    table |= {"start": [0.0] * 3, "step": [STEP] * 3}
    writer.append(smooth, rows, pa.table(table))
    store = writer.finish()
    sae = add_dictionary(folder, store, "temporal_matryoshka")
    add_untrained(folder, store, "topk")
    chosen = ["l0", "dead", "dwell", "half_life", "flicker", "frequency", "slow_probe"]
    sparsetime.evaluate(
        sae, store, metrics=chosen, out=folder / "temporal_matryoshka", progress=False
    )
    series = torch.randn(LENGTH, 2, generator=torch.Generator().manual_seed(1)).numpy()
    frames = np.random.default_rng(0).integers(0, 255, (LENGTH, 8, 8), np.uint8)
    save_inputs(folder, {0: series, 1: frames}, ["left", "right"])
    return folder


@pytest.fixture(scope="module")
def explorer(run):
    explorer = sparsetime.explore(run, browser=False)
    yield explorer
    explorer.stop()


@pytest.fixture
def tab(browser):
    with watched_page(browser, allowed=("Canvas2D:",), width=1280, height=900) as page:
        yield page


def check(lines):
    """No word of texts, and beside every number of steps its time."""
    assert len(lines) > 5
    for before, line in pairwise(["", *lines]):
        assert not TEXT_WORDS.search(line), line
        assert not UNIT_IN_STEPS.search(line), line
        if NUMBER_OF_STEPS.search(line):  # the value of a statistic stands over its name
            assert TIME.search(f"{before} {line}"), line


ADDRESSES = {
    "feature": "features/temporal_matryoshka/{number}",
    "timeline": "timeline?s=0&from=0&to=120&span=20-60",
}
VIEWS = [view for view in manifests.views() if view.name != "api_docs"]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_times_and_no_words(tab, explorer, run, view):
    index = sparsetime.features.index.open_index(run / "temporal_matryoshka" / "features")
    number = int(np.argmax(index.features["count"].to_numpy()))
    address = ADDRESSES.get(view.name, view.path.lstrip("/")).format(number=number)
    tab.goto(explorer.url + address)
    tab.wait_for_selector(".view[data-ready]")
    tab.wait_for_load_state("networkidle")
    check(tab.evaluate(LINES))


@pytest.mark.parametrize("sequence", [0, 1, 2], ids=["series", "frames", "none"])
def test_the_lanes_of_a_timeline_say_when(tab, explorer, sequence):
    tab.goto(f"{explorer.url}timeline?s={sequence}&from=0&to=120")
    tab.wait_for_selector(".view[data-ready]")
    tab.wait_for_load_state("networkidle")
    box = tab.locator("canvas.timeline").bounding_box()
    for height in (12, 140):  # over a lane, over a row
        tab.mouse.move(box["x"] + 600, box["y"] + height)
        tip = tab.locator("#tip").inner_text()
        assert re.search(r"[\d.]+ s \(step \d+\)", tip), tip
        check(tab.evaluate(LINES))


def test_the_report_has_times_and_no_words(tab, run):
    tab.goto(report(run, progress=False).as_uri())
    tab.wait_for_selector("#timeline-stage[data-ready]")
    lines = [line for line in tab.evaluate(LINES) if "Measured" not in line]
    of_definitions = set(tab.locator("#definitions").inner_text().split("\n"))
    check([line for line in lines if line not in of_definitions])


IN_STEPS = re.compile(r"\bin steps\b|\bcycles a step\b|\bfrom a step to the next, mean\b")


def test_metrics_in_steps_say_so():
    """By its unit a page turns a metric into seconds or Hz; one that forgets it stays in steps."""
    for metric in metrics().values():
        if IN_STEPS.search(metric.spec.definition):
            assert metric.spec.unit in (STEPS, CYCLES, PER_STEP), metric.name
    columns = [column for column in FEATURE_COLUMNS if "lag" in column.definition]
    assert columns and all(column.unit == STEPS for column in columns if column.dtype == "float64")
