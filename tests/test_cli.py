"""The command line: its help, its refusals, and a whole run from one file."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import yaml
from small_model import write_model, write_texts
from typer.testing import CliRunner

import sparsetime
from sparsetime.cli import app
from sparsetime.errors import StoreError

COMMANDS = ("sites", "recipes", "capture", "train", "evaluate", "index", "report", "demo")


def run(*arguments, code=0):
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    if result.exit_code != code:
        raise AssertionError(f"{result.exit_code}: {result.output}") from result.exception
    return result


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    write_model(folder / "my-model")
    write_texts(folder / "texts")
    return folder


def test_version():
    assert run("--version").output == f"sparsetime {sparsetime.__version__}\n"


def test_help_lists_every_command_in_the_order_of_use():
    output = run("--help").output
    places = [output.index(f"│ {name} ") for name in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_shows_an_example(command):
    output = run(command, "--help").output
    examples = output[output.index("Example") :]
    assert f"  sparsetime {command}" in examples


def test_nothing_heavy_is_imported_for_the_help():
    code = "import sys, sparsetime.cli; print([m for m in ('torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_error_is_one_line_on_stderr(tmp_path):
    result = run("recipes", "topkk", code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: unknown recipe 'topkk': did you mean 'topk'")
    assert result.stderr.count("\n") == 1


def test_debug_raises_the_error_itself():
    result = CliRunner().invoke(app, ["--debug", "recipes", "topkk"])
    assert isinstance(result.exception, sparsetime.errors.UnknownNameError)


def test_an_unknown_key_of_the_run_file_says_the_nearest(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "train: {store: s, out: o, rows: 10, lerning_rate: 0.1, dictionary: {recipe: topk}}"
    )
    result = run("train", "--config", str(path), code=2)
    assert "unknown key 'lerning_rate'; did you mean 'learning_rate'?" in result.stderr


def test_a_command_without_its_settings_lists_what_is_missing():
    result = run("index", code=2)
    assert "'dictionary' is not given, and it has no default." in result.stderr
    assert "'store' is not given, and it has no default." in result.stderr


def test_data_that_are_not_there(work, tmp_path):
    result = run(*capture(work, "nothing/*.txt", tmp_path / "store"), code=2)
    assert "the data 'nothing/*.txt' is no file; give a file, a folder or a glob." in result.stderr


def test_a_folder_without_data(work, tmp_path):
    (tmp_path / "empty").mkdir()
    result = run(*capture(work, tmp_path / "empty", tmp_path / "store"), code=2)
    assert "is a folder without .txt, .md or .npy files" in result.stderr


def test_texts_and_series_do_not_mix(work, tmp_path):
    (tmp_path / "a.txt").write_text("words")
    np.save(tmp_path / "b.npy", np.zeros((4, 2)))
    result = run(*capture(work, tmp_path, tmp_path / "store"), code=2)
    assert "the data mix texts" in result.stderr


def test_a_series_of_too_many_axes(work, tmp_path):
    np.save(tmp_path / "b.npy", np.zeros((4, 2, 2)))
    result = run(*capture(work, tmp_path, tmp_path / "store"), code=2)
    assert "holds an array of shape [4, 2, 2]; a series is [time, features]." in result.stderr


def test_a_series_that_is_none(work, tmp_path):
    (tmp_path / "b.npy").write_bytes(b"nonsense")
    result = run(*capture(work, tmp_path / "b.npy", tmp_path / "store"), code=2)
    assert "b.npy is not a NumPy array file" in result.stderr


def test_series_are_documents_named_by_their_files(tmp_path):
    from sparsetime.cli.runfile import CaptureSection

    np.save(tmp_path / "rat.npy", np.arange(6.0))
    section = CaptureSection(model="m", data=[str(tmp_path)], site="x", out="o")
    (document,) = section.documents()
    assert document.id == "rat"
    assert document.values.shape == (6, 1)


def test_sites_and_their_shapes(work):
    output = run("sites", str(work / "my-model"), "--match", "encoder.layer.1").output
    assert "encoder.layer.1.output" in output
    assert "encoder.layer.0" not in output
    assert "[1, 8, 32]" in output


def test_a_whole_run_from_one_file(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = {
        "capture": {
            "model": str(work / "my-model"),
            "data": [str(work / "texts")],
            "site": "encoder.layer.1",
            "out": "store",
        },
        "train": {
            "store": "store",
            "held_out": 0.25,
            "dictionary": {"recipe": "topk", "width": 64, "k": 4},
            "out": "topk",
            "rows": 2000,
            "batch": 100,
        },
        "evaluate": {"store": "store", "held_out": 0.25, "dictionary": "topk"},
        "index": {"store": "store", "dictionary": "topk"},
    }
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(file))
    given = ("--config", "run.yaml")
    assert "width 32" in run("capture", *given).stdout
    assert "topk: fvu" in run("train", *given, "--set", "dictionary.k=3").stdout
    assert sparsetime.load("topk").encode(sparsetime.open_store("store").read(0, 5)).values.numel()
    assert "fvu" in run("evaluate", *given, "--metric", "reconstruction").stdout
    assert (tmp_path / "topk" / "evaluation.json").is_file()
    assert "topk/features: indexed" in run("index", *given).stdout
    assert sparsetime.open_index("topk/features").width == 64
    output = run("report", ".", "--picture", "images/score.svg").stdout
    assert "report.html: open it in a browser" in output
    assert (tmp_path / "images" / "score.svg").read_text().startswith("<svg ")
    result = run("report", ".", "--picture", "a.svg", "--passage", "99", code=2)
    assert "passages; number 99 is none." in result.stderr


def test_the_demo_gets_its_settings(monkeypatch, tmp_path):
    asked = []

    def demo(*places, **named):
        asked.append((places, named))
        return tmp_path / "report.html"

    monkeypatch.setattr("sparsetime.demo.pipeline.demo", demo)
    run("demo", "--out", "here", "--set", "train.rows=5")
    settings = {"config": None, "force": False, "overrides": {"train.rows": 5}}
    assert asked == [(("here",), settings)]


def test_other_errors_are_not_hidden(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("sparsetime.models.sites.sites", broken)
    assert isinstance(CliRunner().invoke(app, ["sites", "x"]).exception, ZeroDivisionError)


def test_every_error_of_the_house_is_caught(monkeypatch):
    def refused(*_):
        raise StoreError("the folder is taken")

    monkeypatch.setattr("sparsetime.models.sites.sites", refused)
    assert run("sites", "x", code=2).stderr == "error: the folder is taken\n"


def capture(work, data, out):
    model = str(work / "my-model")
    options = {"model": model, "data": str(data), "site": "encoder.layer.1", "out": str(out)}
    return "capture", *(x for name, value in options.items() for x in (f"--{name}", value))
