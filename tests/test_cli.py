"""The command line: its help, its refusals, and a whole run from one file."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
import yaml
from known_codes import Itself, make_store
from small_model import write_model, write_texts
from typer.testing import CliRunner

import sparsetime
from sparsetime.cli import app
from sparsetime.cli.model_argument import named_model
from sparsetime.cli.options import as_typed
from sparsetime.errors import StoreError

COMMANDS = (
    *("sites", "recipes", "capture", "train", "evaluate", "index", "claim", "report", "verify"),
    *("testbeds", "demo"),
)


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
    assert "is a folder without .txt, .md, .jsonl files and recordings" in result.stderr


def test_texts_and_series_do_not_mix(work, tmp_path):
    (tmp_path / "a.txt").write_text("words")
    np.save(tmp_path / "b.npy", np.zeros((4, 2)))
    result = run(*capture(work, tmp_path, tmp_path / "store"), code=2)
    assert "the data mix texts" in result.stderr


@pytest.mark.parametrize("name", ["x.json", "x.MAT", "x.pt", "x.xlsx"])
def test_other_formats_are_neither_texts_nor_recordings(work, tmp_path, name):
    (tmp_path / name).write_text("time,level\n0,1.5\n")
    result = run(*capture(work, tmp_path / name, tmp_path / "store"), code=2)
    assert f"{name}, expected texts (.txt, .md, source code) or recordings (" in result.stderr
    assert 'pip install "sparsetime[eeg]"' in result.stderr


def test_a_recording_from_edf_to_store_with_labels_and_events(tmp_path, monkeypatch):
    from recording_files import write_edf

    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(
        "import torch\n\ndef build():\n    torch.manual_seed(0)\n"
        "    return torch.nn.GRU(2, 8, batch_first=True)\n"
    )
    (tmp_path / "eeg").mkdir()
    for name in ("s1", "s2"):
        write_edf(tmp_path / "eeg" / f"{name}.edf", annotations=[(1.0, 0.5, "blink")])
    (tmp_path / "subjects.csv").write_text("id,group\ns1,patient\ns2,control\n")
    (tmp_path / "events.tsv").write_text("id\tonset\tduration\ttrial_type\ns2\t2\t1\ttone\n")
    data = ("--data", "eeg/*.edf", "--labels", "subjects.csv", "--events", "events.tsv")
    given = ("capture", "--model", "net.py:build", "--site", ".", "--out", "store", *data)
    assert "800 steps of 2 sequences, width 8" in run(*given).stdout
    store = sparsetime.open_store("store")
    assert store.labels["group"].to_pylist() == ["patient", "control"]
    columns = ["id", "onset", "trial_type", "first_step", "stop_step"]
    assert [list(row.values()) for row in store.events.select(columns).to_pylist()] == [
        ["s1", 1.0, "blink", 100, 150],
        ["s2", 1.0, "blink", 100, 150],
        ["s2", 2.0, "tone", 200, 300],
    ]
    assert store.sequence(0).input.channels == ("Fp1", "Fp2")
    (tmp_path / "events.tsv").write_text("id\tonset\tduration\ns2\t2\t9\n")
    assert "events.tsv, row 1 is outside its recording" in run(*given, code=2).stderr


def test_a_series_that_is_none(work, tmp_path):
    (tmp_path / "b.npy").write_bytes(b"nonsense")
    result = run(*capture(work, tmp_path / "b.npy", tmp_path / "store"), code=2)
    assert "b.npy is not a NumPy array file" in result.stderr


def test_series_are_documents_named_by_their_files(tmp_path):
    from sparsetime.cli.run_file import CaptureSection

    np.save(tmp_path / "rat.npy", np.arange(6.0))
    section = CaptureSection(model="m", data=[str(tmp_path)], site="x", out="o")
    (document,) = section.documents()
    assert document.id == "rat"
    assert document.values.shape == (6, 1)


def test_an_empty_series_is_said(work, tmp_path):
    for shape in ((0,), (0, 3), (4, 0)):
        np.save(tmp_path / "b.npy", np.zeros(shape))
        result = run(*capture(work, tmp_path / "b.npy", tmp_path / "store"), code=2)
        assert f"holds an empty array of shape {list(shape)}; leave it out" in result.stderr
    (tmp_path / "b.npy").write_bytes(b"")
    result = run(*capture(work, tmp_path / "b.npy", tmp_path / "store"), code=2)
    assert "b.npy is not a NumPy array file" in result.stderr


def test_names_of_series_are_unique(tmp_path):
    from sparsetime.cli.run_file import CaptureSection

    for name in ("a/rat", "b/rat", "b/cat"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", np.arange(6.0))
    section = CaptureSection(model="m", data=[str(tmp_path)], site="x", out="o")
    ids = [document.id for document in section.documents()]
    assert ids == [str(tmp_path / "a/rat.npy"), "cat", str(tmp_path / "b/rat.npy")]


def test_lines_of_json_are_documents(work, tmp_path):
    from sparsetime.cli.run_file import CaptureSection

    path = tmp_path / "many.jsonl"
    path.write_text('{"text": "one", "topic": "a", "n": 3, "none": null}\n\n{"text": "two"}\n')
    section = CaptureSection(model="m", data=[str(tmp_path)], site="x", out="o")
    one, two = section.documents()
    assert (one.id, one.text, one.labels) == (f"{path}:1", "one", {"topic": "a", "n": 3})
    assert (two.id, two.text, two.source) == (f"{path}:3", "two", str(path))
    for line, message in (
        ('{"body": "x"}', 'many.jsonl:1 has no "text"; expected a line like'),
        ("[1, 2]", 'many.jsonl:1 has no "text"'),
        ("{", "many.jsonl:1 is no line of JSON"),
    ):
        path.write_text(line)
        result = run(*capture(work, path, tmp_path / "store"), code=2)
        assert message in " ".join(result.stderr.split()) or message in result.stderr
    (tmp_path / "a.txt").write_text("words")
    result = run(*capture(work, tmp_path, tmp_path / "store"), code=2)
    assert "the data mix files of one text" in result.stderr
    (tmp_path / "t.json").write_text("{}")
    result = run(*capture(work, tmp_path / "t.json", tmp_path / "store"), code=2)
    assert 'a line {"text": ...} for each' in " ".join(result.stderr.split())


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
    said = run("index", *given, "--out", "held", "--held-out", "0.25").stdout
    assert re.search(r"held: indexed; held out: \d+ of \d+ sequences", said)
    _, unseen = sparsetime.split(sparsetime.open_store("store"), held_out=0.25)
    held = sparsetime.open_index("held").sequences["sequence"].to_pylist()
    assert held == unseen.sequence_indices.tolist()
    output = run("report", ".").stdout
    assert "report.html: open it in a browser" in output
    assert 'id="timeline-data"' in (tmp_path / "report.html").read_text()


def test_what_to_type_next_is_what_works_here(monkeypatch, tmp_path):
    program = tmp_path / "bin" / "sparsetime"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(program), "demo"])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert as_typed() == str(program)
    monkeypatch.setenv("PATH", str(program.parent))
    assert as_typed() == "sparsetime"
    monkeypatch.setattr("sys.argv", ["-c", "demo"])
    assert as_typed() == "sparsetime"


def test_the_demo_gets_its_settings(monkeypatch, tmp_path):
    asked = []

    def demo(*places, **named):
        asked.append((places, named))
        return tmp_path / "report.html"

    monkeypatch.setattr("sparsetime.demo.pipeline.demo", demo)
    output = run("demo", "--out", "here", "--set", "train.rows=5").stdout
    assert "explore here: look around in it" in output
    settings = {"config": None, "force": False, "overrides": {"train.rows": 5}}
    assert asked == [(("here",), settings)]


def test_other_errors_are_not_hidden(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("sparsetime.models.sites.sites", broken)
    assert isinstance(CliRunner().invoke(app, ["sites", "x"]).exception, ZeroDivisionError)


def test_every_error_of_the_package_is_caught(monkeypatch):
    def refused(*_):
        raise StoreError("the folder is taken")

    monkeypatch.setattr("sparsetime.models.sites.sites", refused)
    assert run("sites", "x", code=2).stderr == "error: the folder is taken\n"


def test_a_width_is_needed_and_d_in_is_not_chosen(tmp_path):
    given = ("--store", "s", "--recipe", "topk", "--out", str(tmp_path / "x"))
    result = run("train", *given, code=2)
    assert result.stderr.endswith("'dictionary.width' is not given, and it has no default.\n")
    result = run("train", *given, "--width", "8", "--set", "dictionary.d_in=3", code=2)
    assert (
        "leave out d_in: it is the width of the store's activations, and is taken" in result.stderr
    )
    result = run("train", *given, "--set", "dictionary.width=many", code=2)
    assert "'dictionary.width': got 'many', expected a valid integer" in result.stderr


def test_parts_of_ones_own_are_composed_from_the_run_file(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(*capture(work, work / "texts", "store"))
    parts = {"encoder": "tied", "sparsifier": {"kind": "top_k", "k": 2}, "objective": ["mse"]}
    train = {"store": "store", "rows": 200, "batch": 50, "out": "run"}

    def attempt(code=0, **dictionary):
        written = {"train": {**train, "dictionary": {"width": 16, **dictionary}}}
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(written))
        return run("train", "--config", "run.yaml", code=code).stderr

    assert "give either recipe" in attempt(code=2)
    assert "give either recipe" in attempt(code=2, recipe="topk", compose=parts)
    assert "k beside compose: settings of a part" in attempt(code=2, compose=parts, k=3)
    wrong = {**parts, "sparsifer": "relu"}
    assert "'sparsifer': did you mean 'sparsifier'" in attempt(code=2, compose=wrong)
    wrong = {**parts, "encoder": "tide"}
    assert "unknown encoder 'tide': did you mean 'tied'" in attempt(code=2, compose=wrong)
    attempt(compose=parts)
    sae = sparsetime.load(tmp_path / "run")
    assert (sae.encoder.kind, sae.sparsifier.k, sae.width) == ("tied", 2, 16)


def test_the_seed_is_of_the_weights_too_unless_they_have_their_own(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(*capture(work, work / "texts", "store"))
    asked = []

    def build(name, **settings):
        asked.append((name, settings.pop("seed"), settings))
        raise StoreError("enough")

    monkeypatch.setattr("sparsetime.dictionary", build)
    given = ("--store", "store", "--recipe", "topk", "--width", "8", "--k", "2", "--out", "x")
    run("train", *given, code=2)
    run("train", *given, "--seed", "5", code=2)
    run("train", *given, "--seed", "5", "--set", "dictionary.seed=0", code=2)
    assert [seed for _, seed, _ in asked] == [0, 5, 0]
    assert asked[0][2] == {"d_in": 32, "width": 8, "k": 2}


def test_a_file_whose_name_holds_a_pattern_is_that_file(tmp_path):
    from sparsetime.cli.input_files import data_files

    for name in ("b[1].txt", "b1.txt"):
        (tmp_path / name).write_text("words")
    (found,) = data_files([str(tmp_path / "b[1].txt")])
    assert found.name == "b[1].txt"


@pytest.mark.filterwarnings("default")
def test_a_bad_text_is_one_line_that_names_the_flag(work, tmp_path):
    (tmp_path / "good.txt").write_text("The river carries the morning.")
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00")
    given = capture(work, tmp_path, tmp_path / "store")
    result = run(*given, code=2)
    assert "leave such files out with --on-bad skip\n" in result.stderr
    result = run(*given, "--on-bad", "skip")
    (line,) = [line for line in result.stderr.splitlines() if "left out" in line]
    assert line.startswith(f"warning: left out {tmp_path / 'bad.txt'}: ")
    assert ".py" not in result.stderr


def test_times_are_of_series_and_not_of_texts(work, tmp_path):
    given = capture(work, work / "texts", tmp_path / "store")
    result = run(*given, "--set", "unit=second", "--set", "step=2", code=2)
    assert (
        "step and unit say when the steps of recordings are and how they are read" in result.stderr
    )


def test_what_is_no_array_of_numbers_is_no_series(work, tmp_path):
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    result = run(*capture(work, tmp_path / "words.npy", tmp_path / "store"), code=2)
    assert "holds no array of real numbers; a series is [time, features]" in result.stderr


CODE = """
from __future__ import annotations

from dataclasses import dataclass

import torch

@dataclass
class Sizes:
    width: int = 16

def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv1d(2, 16, 3, padding=1), torch.nn.Conv1d(16, 16, 3, padding=1)
    )

def with_arguments(width):
    return torch.nn.Linear(width, width)

def nothing():
    return None

def broken():
    raise RuntimeError("no weights here")

ready = torch.nn.Linear(2, 2)
"""


def test_frames_of_a_waveform_keep_their_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "frames.py").write_text(
        "import torch\n\n"
        "def build():\n    return torch.nn.Sequential(torch.nn.Conv1d(1, 4, 10, 5))\n"
    )
    wave = np.random.default_rng(0).normal(size=200).astype("float32")
    np.save(tmp_path / "wave.npy", wave)
    flags = "--data wave.npy --site 0 --out frames --keep-input --rate 2 --offset 1"
    times = ("--set", "step=0.1", "--set", "unit=second")
    said = run("capture", "--model", "frames.py:build", *flags.split(), *times).stdout
    assert "39 steps of 1 sequences, width 4" in said
    sequence = sparsetime.open_store("frames").sequence(0)
    assert sequence.times[:3].tolist() == [1.0, 1.5, 2.0]
    assert np.array_equal(sequence.input.values(10, 20)[:, 0], wave[10:20])


def test_series_from_capture_to_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waves.py").write_text(
        "import torch\n\n"
        "class Waves(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        torch.manual_seed(0)\n"
        "        self.convolution = torch.nn.Conv1d(2, 16, 3, padding=1)\n\n"
        "    def forward(self, x):\n"
        "        return self.convolution(x.transpose(1, 2)).mean()\n"
    )
    (tmp_path / "recordings").mkdir()
    generator = np.random.default_rng(0)
    for i in range(6):
        walk = generator.normal(size=(60 + i, 2)).cumsum(axis=0)
        np.save(tmp_path / "recordings" / f"day{i}.npy", walk)
    (tmp_path / "run.yaml").write_text(
        "capture:\n"
        "  {model: 'waves.py:Waves', data: [recordings], site: convolution, out: activations,\n"
        "   time_axis: 2, start: 10, step: 0.5, unit: second}\n"
    )
    assert "convolution" in run("sites", "waves.py:Waves").stdout
    on_data = run("sites", "waves.py:Waves", "--data", "recordings").stdout
    assert "the first 60 steps of 'day0'" in on_data
    assert re.search(r"convolution +Conv1d +\[1, 16, 60\] +1 *\n", on_data)
    message = run("sites", "waves.py:Waves", "--set", "read.rate=2", code=2).stderr
    assert "got --set read, expected options of the reader of --data" in " ".join(message.split())
    message = run(
        "sites", "waves.py:Waves", "--data", "recordings", "--set", "read=2", code=2
    ).stderr
    assert "got --set read, expected options of the reader of --data" in " ".join(message.split())
    (tmp_path / "none.jsonl").touch()
    message = run("sites", "waves.py:Waves", "--data", "none.jsonl", code=2).stderr
    assert "none.jsonl" in message and "expected at least one" in " ".join(message.split())
    timed = run("sites", "waves.py:Waves", "--data", "recordings", "--set", "read.rate=2").stdout
    assert re.search(r"steps a row +seconds *\n", timed)
    assert "375 steps of 6 sequences, width 16" in run("capture", "--config", "run.yaml").stdout
    store = sparsetime.open_store("activations")
    day = store.sequence(1)
    assert (store.model_name, day.id, day.unit) == ("waves.py:Waves", "day1", "second")
    assert day.times[:3].tolist() == [10, 10.5, 11]
    given = ("--store", "activations", "--dictionary", "topk")
    flags = "--recipe topk --width 32 --k 3 --rows 3000 --batch 50 --held-out 0.3 --out topk"
    run("train", "--store", "activations", *flags.split())
    assert "fvu" in run("evaluate", *given, "--held-out", "0.3").stdout
    run("index", *given)
    assert "report.html: open it in a browser" in run("report", ".").stdout
    assert "second" in (tmp_path / "report.html").read_text()


def test_a_model_from_a_module_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "house_of_models").mkdir()
    (tmp_path / "house_of_models" / "wave.py").write_text(CODE)
    before = list(sys.path)
    loaded = named_model("house_of_models.wave:build")
    assert loaded.name == "house_of_models.wave:build"
    assert loaded.revision_or_hash == named_model("house_of_models/wave.py:build").revision_or_hash
    assert sys.path == before


def test_a_function_may_return_a_model_that_is_loaded(tmp_path, monkeypatch):
    """As those of the testbeds do."""
    monkeypatch.chdir(tmp_path)
    code = "from sparsetime.models.load import load_model\nimport torch\n"
    (tmp_path / "own.py").write_text(code + "make = lambda: load_model(torch.nn.Linear(2, 3))")
    loaded = named_model("own.py:make")
    assert (loaded.name, loaded.model.out_features) == ("own.py:make", 3)


def test_other_names_and_existing_folders_are_for_transformers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my:model").mkdir()
    assert [named_model(name) for name in ("gpt2", "my:model")] == ["gpt2", "my:model"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (":build", "is not of the form package.module:function or path/to/file.py:function"),
        ("code.py:", "is not of the form package.module:function or path/to/file.py:function"),
        ("none.py:build", "the file 'none.py' does not exist"),
        ("no_such_module:build", "importing 'no_such_module' failed: ModuleNotFoundError: No mod"),
        ("faulty.py:build", "importing 'faulty.py' failed: ZeroDivisionError: division by zero"),
        ("code.py:biuld", "unknown function of 'code.py' 'biuld': did you mean 'build'?"),
        ("code.py:with_arguments", "with_arguments needs arguments (missing a required argument"),
        ("code.py:nothing", "nothing() returned a NoneType; expected a function without arguments"),
        ("code.py:broken", "the call failed: RuntimeError: no weights here. Put --debug before"),
        (
            "code.py:ready",
            "got a Linear as ready, expected a function without arguments that returns",
        ),
    ],
)
def test_code_that_makes_no_model_says_why(name, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text(CODE)
    (tmp_path / "faulty.py").write_text("1 / 0")
    result = run("sites", name, code=2)
    assert words in result.stderr


def capture(work, data, out):
    model = str(work / "my-model")
    options = {"model": model, "data": str(data), "site": "encoder.layer.1", "out": str(out)}
    return "capture", *(x for name, value in options.items() for x in (f"--{name}", value))


def test_labels_events_and_conditions(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows, kinds = [], []
    for _ in range(8):
        kind = np.repeat(rng.choice(["a", "b"], 20), 10)
        rows.append(np.stack([kind == "a", rng.random(200) < 0.1], 1).astype(float))
        kinds.append(kind.tolist())
    labels = [{"group": "xy"[number % 2]} for number in range(8)]
    store = make_store(tmp_path / "store", rows, steps={"kind": kinds}, labels=labels)
    sparsetime.index(Itself(2), store, tmp_path / "index", progress=False)
    given = ("--index", "index", "--store", "store", "--draws", "30")
    said = run("label", *given, "--baseline", "again=index").stdout
    assert "a (kind)" in said and "1 of 2 features named by a label" in said
    assert "chosen on 4 recordings" in said
    assert "not scored beside the input: the store keeps no inputs" in said
    assert "give the store's model, such as --model" in said
    assert "got data= without model=" in run("label", *given, "--data", "x", code=2).output
    said = run("perievent", *given, "--label", "kind", "--before", "5", "--after", "8").stdout
    assert "responses with q <= 0.05" in said and " 0 steps " in said
    assert "has no events" in run("perievent", *given, code=2).output
    said = run("compare", *given, "--label", "group", "--value", "x", "--value", "y").stdout
    assert "of 2 features differ with q <= 0.05" in said and "95% interval" in said
    assert "expected NAME=PATH" in run("label", *given, "--baseline", "index", code=2).output
