"""Times of steps in what the pages and the report show: no text, no saved inputs, late and fine."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
import torch
from small_run import DIMENSIONS, WIDTH, add_untrained
from typer.testing import CliRunner

import sparsetime
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.cli import app
from sparsetime.explorer.step_units import StepTime, step_name, step_time, time_unit
from sparsetime.explorer.workbench.documents import MOST_STEPS, document
from sparsetime.explorer.workbench.feature import feature
from sparsetime.explorer.workbench.overview import overview
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.reports.report import report

START, STEP, STEPS = 1_700_000_000.0, 0.1, 300


def write_series(out, unit="s", start=START, step=STEP, steps=STEPS):
    writer = StoreWriter(
        out, model_name="recorder", model_hash="abc", site="layer", d=DIMENSIONS, dtype="float32",
        unit=unit, capture={},
    )  # fmt: skip
    count = 3
    drawn = torch.randn(count * steps, DIMENSIONS, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool1d(drawn.T[None], 7, 1, 3)[0].T
    position = pa.array(np.tile(np.arange(steps), count), pa.int32())
    sequence = pa.array(np.repeat(np.arange(count), steps), pa.int32())
    table = {
        "id": [f"recording {n}" for n in range(count)],
        "length": [steps] * count,
        "start": [start] * count,
        "step": [step] * count,
    }
    writer.append(smooth, pa.table({"sequence": sequence, "position": position}), pa.table(table))
    return writer.finish()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    store = write_series(folder / "activations")
    sae = add_untrained(folder, store, "topk")
    sparsetime.evaluate(
        sae,
        store,
        metrics=["l0", "dead", "dwell", "half_life"],
        out=folder / "topk",
        progress=False,
    )
    return folder


@pytest.fixture(scope="module")
def workbench(run):
    return Workbench(run)


def test_every_step_has_its_time_and_no_two_the_same(workbench):
    text = document(workbench.opened, "topk", 1)
    assert text.words[:3] == ["1700000000.0", "1700000000.1", "1700000000.2"]
    assert len(set(text.words)) == STEPS
    assert (text.start, text.step, text.time_unit, text.is_text) == (START, STEP, "s", False)


def test_a_moment_says_when_it_was_and_is_marked(workbench):
    number = int(np.argmax(workbench.opened.dictionary("topk").table.density))
    moments = [m for band in feature(workbench.opened, "topk", number).bands for m in band.moments]
    assert len(moments) > 8
    for moment in moments:
        assert moment.time == f"{START + STEP * moment.position:.1f} s"
        assert not moment.is_text and moment.strengths[moment.here] > 0


def test_the_overview_says_how_long_a_step_lasts(workbench):
    page = overview(workbench)
    assert (page.unit, page.step, page.time_unit) == ("step", STEP, "s")
    cells = {row.name: row.cells[0].text for row in page.comparison}
    dwell = page.dictionaries[0].figures["dwell"]
    assert cells["dwell"] == f"{dwell * STEP:.3g} s ({dwell:.3g} steps)"
    assert re.fullmatch(r"[\d.]+ s \([\d.]+ steps\)", cells["half_life"])
    assert " s" not in cells["l0"]


def test_figures_say_which_data_they_are_of(workbench):
    """L0 over the index and L0 over an evaluation differ; one is shown, with its data."""
    (view,) = overview(workbench).dictionaries
    assert view.entry.note == f"{WIDTH} features"
    assert view.indexed == f"3 recordings of {3 * STEPS * STEP:.0f} s ({3 * STEPS:,} steps)"
    assert view.measured_on == f"3 recordings of {3 * STEPS * STEP:.0f} s ({3 * STEPS:,} steps)"
    assert view.active == pytest.approx(view.figures["l0"], rel=1e-6)
    assert overview(workbench).comparison_notes == (
        f"Measured on 3 recordings of {3 * STEPS * STEP:.0f} s ({3 * STEPS:,} steps).",
    )


def test_the_report_shows_moments_as_bars_with_their_time(run):
    page = report(run, progress=False).read_text("utf-8")
    cards = re.findall(r"<article.*?</article>", page, re.S)
    assert cards
    for card in cards:
        assert "no words" not in card and re.search(r"<h3>Feature \d+</h3>", card)
        assert re.search(r"recording \d, at 17000000\d\d\.\d s", card)
        assert ' class="bars"' in card and 'here">' in card
    assert re.search(r"lasts [\d.]+ s \([\d.]+ steps\)", page)
    assert "mean dwell, s (steps of 0.1 s)" in page
    assert re.search(r"\d+ most informative features", page)


def test_the_command_line_gives_figures_in_steps_also_as_durations(run, tmp_path):
    stated = ["--dictionary", str(run / "topk"), "--store", str(run / "activations")]
    chosen = ["--held-out", "0", "--metric", "dwell", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["evaluate", *stated, *chosen], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert re.search(r"dwell\s.*?[\d.]+ s \([\d.]+ steps\)", result.output)


def test_words_beyond_one_answer_can_be_asked_for(tmp_path):
    """Of a sequence that is longer than an answer, a page asks for the words in view."""
    store = write_series(tmp_path / "activations", steps=MOST_STEPS + 10)
    add_untrained(tmp_path, store, "topk")
    opened = Workbench(tmp_path).opened
    assert len(document(opened, "topk", 0).words) == MOST_STEPS
    rest = document(opened, "topk", 0, MOST_STEPS)
    assert (rest.first, len(rest.words), rest.length) == (MOST_STEPS, 10, MOST_STEPS + 10)
    assert len(document(opened, "topk", 0, most=None).words) == MOST_STEPS + 10


@pytest.mark.parametrize(
    ("unit", "step", "name", "expected"),
    [
        ("token", 1.0, "token", None),
        ("frame", 1.0, "frame", None),
        ("s", 0.1, "step", StepTime(0.1, "s")),
        ("s", 1.0, "step", StepTime(1.0, "s")),
        ("second", 0.5, "step", StepTime(0.5, "seconds")),
        ("second", 1.0, "second", None),
        ("step", 1.0, "step", None),
        ("step", 4.0, "step", None),
    ],
)
def test_a_step_has_a_duration_where_its_name_is_none(tmp_path, unit, step, name, expected):
    store = write_series(tmp_path / "a", unit=unit, start=0.0, step=step, steps=3)
    assert (step_name([store]), step_time([store])) == (name, expected)


def test_units_are_plurals():
    assert [time_unit(unit) for unit in ("s", "ms", "second", "step", "")] == [
        "s", "ms", "seconds", "", "",
    ]  # fmt: skip
