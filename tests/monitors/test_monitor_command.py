"""The command monitor: results of alarms, and lines of JSON of recordings that it watches."""

import json

import numpy as np
import pytest
from recording_files import RATE
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app

CODE = """
import torch

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(2, 6)

    def forward(self, x):
        return self.layer(x).relu().sum()
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for n in range(4):
        x = rng.normal(size=(2000, 2))
        x[500:520] += 8
        np.savetxt(f"r{n}.csv", x, delimiter=",", header="a,b", comments="")
    (tmp_path / "net.py").write_text(CODE)
    return tmp_path


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done


@pytest.mark.filterwarnings("ignore:.*hours without events")
def test_alarms_are_set_and_recordings_watched(work):
    data = ("--data", "r*.csv", "--set", f"read.rate={RATE}")
    given = ("--model", "net.py:Model", "--site", "layer", "--out", "store")
    run("capture", *given, *data)
    sae = st.dictionary("topk", d_in=6, width=8, k=2)
    sae.save("sae")
    rows = [{"id": f"r{n}", "onset": 5.0, "duration": 0.2, "trial_type": "jump"} for n in range(4)]
    st.annotate("store", events=rows)
    done = run(
        *("monitor", "--dictionary", "sae", "--store", "store", "--out", "monitor"),
        *("--alarm", "jump=[0, 1, 2, 3, 4, 5, 6, 7]", "--false-alarms", 200),
        *("--model", "net.py:Model", *data),
    )
    lines = done.stdout.splitlines()
    assert "false alarms an hour (95%" in lines[0]
    assert "0 of 2 events missed" in lines[0]
    assert lines[1].startswith("drift: ")
    found = [json.loads(line) for line in lines if line.startswith("{")]
    jumps = [line for line in found if line["kind"] == "alarm" and 4.9 < line["time"] < 5.3]
    assert {line["recording"] for line in jumps} == {"r0", "r1", "r2", "r3"}
    assert st.open_monitor("monitor").alarms["jump"].features == tuple(range(8))


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--event", "x=7", "--model", "m"), "got one of model and data"),  # 7 is a text
        (("--event", "x"), "got --event x, expected NAME=TYPE"),
        (("--alarm", "burst"), "--alarm 'burst' is not of the form key=value."),
    ],
)
def test_alarms_and_events_are_named(work, option, words):
    given = ("monitor", "--dictionary", "a", "--store", "b", "--alarm", "x=1", "--out", "c")
    assert words in " ".join(run(*given, *option, code=2).stderr.split())


@pytest.mark.filterwarnings("ignore:.*hours without events")
def test_recordings_are_captured_with_the_settings_of_the_store(work):
    """Rows at a fifth of the sampling rate, with an offset, as the store has them."""
    strided = CODE.replace("Linear(2, 6)", "Conv1d(2, 6, 5, 5)")
    (work / "net.py").write_text(strided.replace("layer(x)", "layer(x.transpose(1, 2))"))
    data = ("--data", "r*.csv", "--set", f"read.rate={RATE}")
    model = ("--model", "net.py:Model")
    settings = ("--rate", RATE / 5, "--offset", 1.0, "--set", "window=500")
    run("capture", *model, "--site", "layer", "--out", "store", *data, *settings)
    sae = st.dictionary("topk", d_in=6, width=8, k=2)
    sae.save("sae")
    alarms = ("--alarm", "any=[0, 1, 2, 3, 4, 5, 6, 7]", "--false-alarms", 200)
    given = ("monitor", "--dictionary", "sae", "--store", "store", "--out", "monitor", *alarms)
    done = run(*given, *model, *data)
    watched = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    store, made = st.open_store("store"), st.open_monitor("monitor")
    assert made.step == 5 / RATE
    assert watched == [
        {"recording": stored.id, **line}
        for stored in map(store.sequence, range(4))
        for line in made.watch(sae).feed(stored.values)
    ]
    # Of files at another rate, and of another model, the thresholds say nothing.
    again = run(*given, *model, *data[:2], "--set", f"read.rate={RATE / 2}", code=2).stderr
    assert f"sampling rate of {RATE / 2:g} Hz" in again
    (work / "other.py").write_text(
        (work / "net.py").read_text().replace("manual_seed(0)", "manual_seed(1)")
    )
    assert (
        "whose weights are not those"
        in run(*given, "--model", "other.py:Model", *data, code=2).stderr
    )


def test_one_of_model_and_data_is_refused(work):
    given = ("monitor", "--dictionary", "a", "--store", "b", "--alarm", "x=1", "--out", "c")
    assert "got one of model and data" in run(*given, "--model", "m", code=2).stderr
