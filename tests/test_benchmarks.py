"""Benchmarks run as on every kind of processor: the dtype of selection can be forced."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import pytest
import torch

from sparsetime.kernels import precision

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
# What trains or encodes, here or in a worker. Cells of gpu.py each have a dtype of their own.
SELECTS = re.compile(r"\bst\.dictionary\(|\bWorker\(|\bCrew\(")
SCRIPTS = sorted(
    path
    for path in BENCHMARKS.glob("*.py")
    if SELECTS.search(path.read_text(encoding="utf-8")) and path.name != "gpu.py"
)


def test_benchmarks_are_found():
    names = {path.name for path in SCRIPTS}
    assert names >= {"training_step.py", "step_parts.py", "step_limit.py", "scaling.py"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_selects_takes_the_option(path):
    assert "add_selection_dtype(parser)" in path.read_text(encoding="utf-8")


@pytest.fixture
def selection(monkeypatch):
    monkeypatch.setattr(precision, "_kept_ratios", precision._kept_ratios)  # restored afterwards
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from harness import selection

    monkeypatch.setenv(selection._VARIABLE, "auto")
    yield selection
    for name in [name for name in sys.modules if name.split(".")[0] == "harness"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["int8", "bfloat16", "float32"])
def test_a_forced_dtype_is_chosen_here_and_in_workers(selection, monkeypatch, name):
    parser = argparse.ArgumentParser()
    selection.add_selection_dtype(parser)
    assert parser.parse_args([]).selection_dtype == "auto"
    assert parser.parse_args(["--selection-dtype", name]).selection_dtype == name
    assert precision.selection_dtype(torch.device("cpu")) == getattr(torch, name)
    measured = {"int8": 0.9, "bfloat16": 0.9}
    monkeypatch.setattr(precision, "_kept_ratios", lambda kind, machine: measured)
    selection.force_inherited_dtype()  # as a worker does, which inherits the environment
    assert precision.selection_dtype(torch.device("cpu")) == getattr(torch, name)
