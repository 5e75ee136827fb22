"""Kept costs of a run, by layer and step of a sequence."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from small_run import add_untrained, prose, write_store

import sparsetime as st
from sparsetime.computation.step_cells import cells_of
from sparsetime.explorer.workbench.cost_strips import cost_strips
from sparsetime.explorer.workbench.workbench import Workbench

STEPS = 20


def write_cells(folder, length, sequence="document 1"):
    """Two matrices of one layer, and a head that needs all; the second half is left out."""
    positions = np.arange(length)
    where = np.zeros(length, int)
    early = np.where(positions < length // 2, 100, 40)
    parts = [
        ("layers.0.up", where, positions, 100, early, early - 20, np.full(length, 20)),
        ("layers.0.down", where, positions, 100, early, early - 20, np.full(length, 20)),
        ("head", where, positions, 50, np.full(length, 50), np.full(length, 50), 0 * where),
    ]
    cells_of(parts, "tiny", ["activations: gate, threshold at 50%"], [sequence]).save(folder)


@pytest.fixture
def run(tmp_path):
    store = write_store(tmp_path / "activations", [prose(0, 20), prose(1, 20)])
    add_untrained(tmp_path, store, "topk")
    return tmp_path


def levels(strip, kind):
    packed = np.frombuffer(base64.b64decode(getattr(strip, kind)), np.uint8)
    return packed.reshape(-1, strip.columns)


def test_layers_are_summed_and_steps_keep_their_place(run):
    length = Workbench(run).opened.dictionary("topk").index.sequences["length"][1].as_py()
    write_cells(run / "costs" / "half", length)
    opened = Workbench(run).opened
    (strip,) = cost_strips(opened, "topk", 1).strips
    assert (strip.name, strip.model, strip.rows) == ("half", "tiny", ("layers.0", "head"))
    half = length // 2
    assert levels(strip, "needed")[0].tolist() == [204] * half + [51] * (length - half)
    assert levels(strip, "vain")[0].tolist() == [51] * length
    assert levels(strip, "missed")[0].tolist() == [51] * length
    assert levels(strip, "needed")[1].tolist() == [255] * length
    assert levels(strip, "counted")[0].tolist() == [1] * length
    part = cost_strips(opened, "topk", 1, 5, 9).strips[0]
    assert (part.begin, part.columns, part.stride) == (5.0, 4, 1.0)
    assert levels(part, "needed")[0].tolist() == [204] * 4
    assert part.shares == pytest.approx([(160 + 50) / 250, 40 / 250, 40 / 250])


def test_what_cannot_be_shown_says_why(run):
    assert cost_strips(Workbench(run).opened, "topk", 1).strips == ()
    write_cells(run / "costs" / "short", 3)
    write_cells(run / "costs" / "torn", 3)
    (run / "costs" / "torn" / "cells.parquet").write_bytes(b"PAR1")
    opened = Workbench(run).opened
    short, torn = cost_strips(opened, "topk", 1).strips
    assert "counted over 3 steps of this sequence, which has" in short.note
    assert "count again with sparsetime cost --keep" in torn.note
    assert [strip.name for strip in cost_strips(opened, "topk", 0).strips] == ["torn"]


def test_an_index_of_the_last_half_has_the_costs_of_that_half(run, tmp_path):
    whole = st.open_store(run / "activations")
    length = whole.sequences["length"][1].as_py()
    write_cells(run / "costs" / "all", length)
    add_untrained(tmp_path, st.split(whole, "time", held_out=0.5).held_out, "half")
    opened = Workbench(run).opened
    half = opened.dictionary("half").index.sequences["length"][1].as_py()
    assert 0 < half < length
    (part,), (expected,) = (
        cost_strips(opened, key, 1, first).strips
        for key, first in (("half", 0), ("topk", length - half))
    )
    assert (part.needed, part.missed) == (expected.needed, expected.missed)
    assert part.columns == half and not part.note


def test_costs_of_other_sequences_take_no_place(run):
    for name in "abc":
        write_cells(run / "costs" / name, 3)
    write_cells(run / "costs" / "own", 3, "document 0")
    (strip,) = cost_strips(Workbench(run).opened, "topk", 0).strips
    assert strip.name == "own"
