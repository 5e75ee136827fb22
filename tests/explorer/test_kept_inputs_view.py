"""Inputs that the store keeps, on the axis of its rows: series, letters, frames, long ones."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch
from browsing import watched_page
from small_run import add_untrained

import sparsetime as st
from sparsetime.activations.capture.document import Document
from sparsetime.explorer.workbench import inputs
from sparsetime.explorer.workbench.coarse_code import BLOCK, coarse_entries, code_entries
from sparsetime.explorer.workbench.input_pyramid import columns_between, input_pyramid
from sparsetime.explorer.workbench.input_source import InputSource
from sparsetime.explorer.workbench.inputs import MISSING, input_view
from sparsetime.explorer.workbench.timeline import entry_cells
from sparsetime.explorer.workbench.workbench import Workbench

STEPS, RATE = 200, 50.0
RESIDUES = "ACDE" * 50


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A recording, and a protein as one-hot letters, both kept by the capture."""
    folder = tmp_path_factory.mktemp("kept")
    generator = torch.Generator().manual_seed(0)
    series = torch.randn(STEPS, 4, generator=generator)
    letters = torch.eye(4)[torch.tensor(["ACDE".index(letter) for letter in RESIDUES])]
    runs = {"series": (series, ["w", "x", "y", "z z"], RATE), "letters": (letters, "ACDE", None)}
    opened = {}
    for name, (values, channels, rate) in runs.items():
        recording = st.Recording(rate=rate, channels=list(channels))
        model = torch.nn.Sequential(torch.nn.Linear(4, 16))
        store = st.capture(
            model, [Document(name, values=values, recording=recording)], "0",
            folder / name / "activations", keep_input=True, progress=False,
        )  # fmt: skip
        add_untrained(folder / name, store, "topk")
        opened[name] = Workbench(folder / name).opened
    opened["values"] = series.numpy()
    return opened


def test_a_kept_series_is_read_where_its_rows_are(opened):
    view = input_view(opened["series"], "topk", 0, 10, 30)
    assert (view.kind, view.begin, view.stride, view.rate) == ("series", 10, 1, RATE)
    np.testing.assert_allclose(view.low, opened["values"][10:30].T, rtol=1e-5)


def test_packed_columns_are_the_same_to_a_level(opened):
    view = input_view(opened["series"], "topk", 0, packed=True, columns=50)
    lists = input_view(opened["series"], "topk", 0, columns=50)
    assert (view.low, view.columns, view.stride) == ((), 50, 4)
    for packed, values in ((view.packed_low, lists.low), (view.packed_high, lists.high)):
        levels = np.frombuffer(base64.b64decode(packed), "<u2").reshape(4, 50)
        span = np.subtract(view.most, view.least)[:, None]
        restored = np.array(view.least)[:, None] + levels / (MISSING - 1) * span
        np.testing.assert_allclose(restored, values, atol=float(span.max()) / MISSING)


def test_packed_columns_make_no_lists(opened, monkeypatch):
    """Of every value a number and a text: ten times the time of all else."""
    monkeypatch.delattr(inputs, "_finite")
    assert input_view(opened["series"], "topk", 0, packed=True).packed_low


def test_one_hot_letters_are_read_as_letters(opened):
    view = input_view(opened["letters"], "topk", 0, 5, 25)
    assert (view.kind, view.begin, view.letters) == ("letters", 5, RESIDUES[5:25])
    few = input_view(opened["letters"], "topk", 0, 5, 25, columns=16)
    assert few.letters == view.letters, "columns are of series: no letter is left out"


def test_the_hint_of_a_timeline_of_letters_speaks_of_letters(opened, browser):
    explorer = st.explore(opened["letters"].folder.url, browser=False)
    with watched_page(browser, allowed=("Canvas2D:",)) as tab:
        tab.goto(f"{explorer.url}timeline")
        tab.wait_for_selector(".view[data-ready]")
        assert "Drag over the letters above the rows" in tab.locator(".hint").inner_text()
    explorer.stop()


@pytest.mark.parametrize("rate", [1.0, 320.0, 0.5, 1.5])
def test_steps_of_an_input_at_another_rate_are_those_that_begin_in_the_rows(rate):
    """Row r lasts from begin + step * r on; an input step belongs to the row in which it begins."""
    source = InputSource((10_000,), lambda a, b: np.zeros(b - a), begin=-0.25, per_row=rate)
    begins = -0.25 + np.arange(10_000) / rate
    for first, stop in ((0, 7), (3, 4), (5, 900)):
        a, b = source.steps_of(first, stop)
        inside = np.flatnonzero((begins > first - 1e-9) & (begins < stop - 1e-9))
        assert (a, b) == (inside[0], inside[-1] + 1)
        assert source.row_of(a) == pytest.approx(begins[a])


def test_columns_of_a_long_series_lose_no_extreme():
    values = np.random.default_rng(0).normal(size=(100_000, 3)).astype(np.float32)
    values[77_777, 1] = 50
    values[500:600, 2] = np.nan
    source = InputSource(values.shape, lambda a, b: values[a:b])
    pyramid = input_pyramid(source)
    assert pyramid.most[1] == 50 and np.isfinite(pyramid.least).all()
    for first, stop, columns in ((0, 100_000, 100), (3000, 90_000, 37), (70_000, 80_000, 4000)):
        begin, stride, low, high = columns_between(source, pyramid, first, stop, columns)
        assert begin <= first and len(low) <= columns + 1
        for column in range(len(low)):
            part = values[begin + column * stride : begin + (column + 1) * stride]
            if begin + (column + 1) * stride <= stop:
                np.testing.assert_array_equal(low[column], np.nanmin(part, 0))
                np.testing.assert_array_equal(high[column], np.nanmax(part, 0))


def test_the_usual_range_of_a_series_without_missing_values_is_that_of_the_others():
    values = np.random.default_rng(0).normal(size=(6400, 3)).astype(np.float32)
    whole, broken = (
        input_pyramid(InputSource(some.shape, lambda a, b, some=some: some[a:b]))
        for some in (values, np.concatenate([values, np.full((64, 3), np.inf, np.float32)]))
    )
    np.testing.assert_array_equal(whole.usual, broken.usual)
    assert np.isinf(broken.most).sum() == 0


def test_a_timeline_of_blocks_is_that_of_its_steps():
    generator = torch.Generator().manual_seed(0)
    dense = torch.relu(torch.randn(5000, 12, generator=generator) - 1.5)
    code = st.SparseCode.from_dense(dense)
    peak = dense.max(0).values.numpy()
    fine = code_entries(code, peak)
    coarse = coarse_entries(fine, 12)
    chosen = np.array([7, 2, 11])
    stride = 2 * BLOCK
    for one, other in zip(
        entry_cells(fine, chosen, 12, stride, 0),
        entry_cells(coarse, chosen, 12, stride, 0),
        strict=True,
    ):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    assert coarse.energy.sum() == pytest.approx(fine.energy.sum())


def test_tokens_of_residues_are_letters_and_no_series(tmp_path):
    """As of a FASTA file with alphabet=, whether the capture kept them or not."""
    (tmp_path / "p.fasta").write_text(">p a protein\nACDEAC\n")
    model = torch.nn.Embedding(4, 16)
    for keep in (True, False):
        folder = tmp_path / str(keep)
        proteins = st.read(tmp_path / "p.fasta", alphabet="ACDE")
        store = st.capture(
            model, proteins, ".", folder / "activations", keep_input=keep, progress=False
        )
        add_untrained(folder, store, "topk")
        opened = Workbench(folder).opened
        view = input_view(opened, "topk", 0, 1, 5)
        assert (view.kind, view.letters, view.begin, view.stride) == ("letters", "CDEA", 1, 1)
        assert opened.input("topk", 0) is None  # no mean of token numbers
