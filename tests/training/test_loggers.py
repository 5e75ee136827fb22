"""TensorBoard and Weights & Biases get the lines of metrics.jsonl."""

import sys
from types import SimpleNamespace

import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError
from sparsetime.training import TensorBoardLogger, TrainingLogger, WandbLogger
from sparsetime.training.loggers import tensorboard, wandb
from sparsetime.training.loggers.training_logger import run_name

ROWS = torch.randn(400, 6, generator=torch.Generator().manual_seed(0)) + 1
SETTINGS = {"rows": 1000, "batch": 50, "log_every": 5, "show": False}


def members():
    return [
        st.dictionary("topk", d_in=6, width=16, k=2),
        st.dictionary("relu_l1", d_in=6, width=16),
    ]


def scalars(folder):
    """By tag the steps and values in the event files of a folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        tag: [(one.step, one.value) for one in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def test_tensorboard_has_the_metrics_of_every_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with TensorBoardLogger("board") as logger:
        runs = st.train(members(), ROWS, out="runs", on_log=logger, **SETTINGS)
    for run in runs:
        found = scalars(tmp_path / "board" / run.path)
        assert {"fvu", "l0", "loss_mse", "rows"} <= found.keys()
        for tag in ("fvu", "l0"):
            written = [(line["step"], line[tag]) for line in run.metrics]
            assert found[tag] == [(step, pytest.approx(value)) for step, value in written]


def test_a_run_that_resumes_replaces_its_scalars(tmp_path):
    lines = [{"step": step, "fvu": 1.0} for step in (0, 5, 10)]
    for again in (lines, [{"step": step, "fvu": 0.5} for step in (5, 10)]):
        with TensorBoardLogger() as logger:
            for line in again:
                logger(str(tmp_path), line)
    assert scalars(tmp_path / "tensorboard")["fvu"] == [(0, 1.0), (5, 0.5), (10, 0.5)]


class FakeRun:
    def __init__(self, **settings):
        self.settings, self.lines, self.axes, self.finished = settings, [], [], False

    def define_metric(self, *name, **options):
        self.axes.append((*name, options))

    def log(self, line):
        self.lines.append(line)

    def finish(self):
        self.finished = True


@pytest.fixture
def wandb_runs(monkeypatch):
    runs = []
    module = SimpleNamespace(init=lambda **s: runs.append(FakeRun(**s)) or runs[-1])
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setattr(wandb, "find_spec", lambda name: name)
    return runs


def test_wandb_has_a_run_for_each_dictionary_with_its_settings(tmp_path, monkeypatch, wandb_runs):
    monkeypatch.chdir(tmp_path)
    with WandbLogger(project="saes", mode="offline") as logger:
        runs = st.train(members(), ROWS, out="runs", on_log=logger, **SETTINGS)
    assert [one.settings["name"] for one in wandb_runs] == [run.path for run in runs]
    for one, run in zip(wandb_runs, runs, strict=True):
        assert one.lines == run.metrics and one.finished
        assert one.settings["project"] == "saes" and one.settings["mode"] == "offline"
        assert one.settings["config"]["dictionary"]["name"] == run.dictionary.name
        assert ("*", {"step_metric": "step"}) in one.axes


def test_a_logger_is_closed_where_training_fails():
    class Failing(TrainingLogger):
        closed = False

        def __call__(self, folder, line):
            raise OSError("disk full")

        def close(self):
            self.closed = True

    logger = Failing()
    with pytest.raises(OSError, match="disk full"), logger:
        logger("runs", {})
    assert logger.closed


def test_what_is_refused(monkeypatch, wandb_runs):
    with pytest.raises(ConfigError, match="got name for Weights & Biases"):
        WandbLogger(name="x")
    for module, kind, extra in (
        (tensorboard, TensorBoardLogger, "tensorboard"),
        (wandb, WandbLogger, "wandb"),
    ):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
        with pytest.raises(ConfigError, match=rf'pip install "sparsetime\[{extra}\]"'):
            kind()


def test_runs_are_named_by_their_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_name("runs/x/topk") == run_name(str(tmp_path / "runs/x/topk/")) == "runs/x/topk"
    assert run_name("/elsewhere/topk") == "elsewhere/topk"
    assert run_name("s3://bucket/runs/topk/") == "bucket/runs/topk"
