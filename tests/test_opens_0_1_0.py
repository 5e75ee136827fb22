"""What 0.1.0 wrote is read as 0.1.0 read it: see `fixtures/make_run_0_1_0.py` for what that is."""

from __future__ import annotations

import json
import math
import re
import shutil
import urllib.request
from pathlib import Path

import pytest
import torch
import yaml
from fixtures import make_run_0_1_0 as made
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app
from sparsetime.comparison.leaderboard_files import Leaderboard
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.dictionaries.dictionary_hash import same_dictionary
from sparsetime.errors import StoreError
from sparsetime.suites.suite_record import Suite
from sparsetime.training.config import TrainConfig

EXPECTED = json.loads((made.HERE / "expected.json").read_text())
ADDRESSES = json.loads((made.HERE / "addresses.json").read_text())
# Keys of answers that have another name today; docs/moved-names.md lists them too.
RENAMED_KEYS = json.loads((made.HERE / "renamed_keys.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A copy, since an explorer and a training write to what they open."""
    copy = tmp_path_factory.mktemp("runs") / "run_0_1_0"
    shutil.copytree(made.HERE, copy)
    return copy


# Answers that changed on purpose: by run, address and key, what 0.1.0 answered and the answer now.
CHANGED = {
    # 0.1.0 compared windows of 24 steps. Change points are now those of the cheapest partition into
    # states, and the features of this text last one step each: nothing that lasts begins or ends.
    (
        "text",
        "/api/dictionaries/topk/sequences/0/score?first=2&stop=36&also=33",
        "boundaries",
    ): ([24], []),
}
# Sentences, which say times in the unit of the data now, and the steps beside them.
SENTENCES = re.compile(
    r"answer\.(lead|facts|definitions|comparison|dictionaries\[\d+\]\.indexed).*"
)
# A place without text was quoted as a list of times, and is named by its span now.
QUOTES = re.compile(r"answer\[\d+\]\.(before|here|after)")
NUMBER = re.compile(r"\d[\d,.]*\d|\d")
EXAMPLE_PERCENTS = re.compile(r"answer\.bands\[\d+\]\.moments\[\d+\]\.strengths")


@pytest.fixture(scope="module")
def explorers(runs):
    opened = {run: st.explore(runs / run, browser=False) for run in ADDRESSES}
    yield opened
    for explorer in opened.values():
        explorer.stop()


def command(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.stdout


def assert_kept(found, kept, where="answer"):
    """Everything that was there is there, and nearly the same; there may be more."""
    if EXAMPLE_PERCENTS.fullmatch(where):
        # 0.1.0 rounded these up, and the timeline's to the nearest; now both are the nearest.
        assert all(
            p in (max(old - 1, min(old, 1)), old) for p, old in zip(found, kept, strict=True)
        )
    elif isinstance(kept, str) and found != kept and SENTENCES.fullmatch(where):
        assert set(NUMBER.findall(kept)) <= set(NUMBER.findall(found)), f"{where}: {found}, {kept}"
    elif (
        isinstance(kept, str)
        and NUMBER.fullmatch(kept.strip(" \u2026").split(" ")[0])
        and (QUOTES.fullmatch(where))
    ):
        assert not found or kept.split(" ")[0] in found
    elif isinstance(kept, dict):
        assert isinstance(found, dict) and kept.keys() <= found.keys(), where
        for key, value in kept.items():
            assert_kept(found[key], value, f"{where}.{key}")
    elif isinstance(kept, list):
        assert isinstance(found, list) and len(found) == len(kept), where
        for number, (one, other) in enumerate(zip(found, kept, strict=True)):
            assert_kept(one, other, f"{where}[{number}]")
    elif isinstance(kept, float):
        assert math.isclose(found, kept, rel_tol=1e-3, abs_tol=1e-5), f"{where}: {found}, {kept}"
    else:
        assert found == kept, where


def test_the_fixture_holds_no_code():
    files = [path for path in made.HERE.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert kinds <= {".json", ".jsonl", ".yaml", ".md", ".parquet", ".safetensors"}
    assert sum(path.stat().st_size for path in files) < 600_000


@pytest.mark.parametrize("run", EXPECTED["stores"])
def test_stores_open(run):
    store = st.open_store(made.HERE / run / "activations")
    store.verify()
    assert made.of_store(store) == EXPECTED["stores"][run]


@pytest.mark.parametrize("where", EXPECTED["dictionaries"])
def test_dictionaries_open_and_encode_as_they_did(where):
    store = st.open_store(made.HERE / where.partition("/")[0] / "activations")
    found = made.of_dictionary(str(made.HERE / where), store)
    assert_kept(found, EXPECTED["dictionaries"][where])


@pytest.mark.parametrize("where", EXPECTED["indexes"])
def test_indexes_open(where):
    assert_kept(made.of_index(str(made.HERE / where)), EXPECTED["indexes"][where])


@pytest.mark.parametrize("where", ["text/topk", "text/temporal_matryoshka", "series/slow_fast"])
def test_an_evaluation_repeated_gives_the_values_on_file(where, runs):
    kept = json.loads((made.HERE / where / "evaluation.json").read_text())
    sae = st.load(made.HERE / where)
    store = st.open_store(made.HERE / where.partition("/")[0] / "activations")
    if where == "text/topk":
        store = store.split(held_out=0.34, seed=0)[1]
    names = ["fvu", "l0", "dead", "dwell"]
    report = st.evaluate(sae, store, names, progress=False)
    for name in names:
        assert_kept(report[name].value, kept["figures"][name]["value"], name)
    # The hash of the dictionary was of its weights alone.
    known, own = kept["subject"].pop("dictionary"), report.subject.pop("dictionary")
    assert same_dictionary(known, own)
    assert report.subject == kept["subject"]


def test_an_interrupted_training_is_not_resumed_with_other_random_numbers(tmp_path):
    out = tmp_path / "interrupted"
    shutil.copytree(made.HERE / "text/interrupted", out)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    store = st.open_store(made.HERE / "text/activations")
    with pytest.raises(StoreError) as refused:
        st.train(made.to_interrupt(), store, out=out, **made.INTERRUPTED)
    message = str(refused.value)
    assert "holds a run that another version of sparsetime began" in message
    assert "Resume it with that version, choose another `out`, or pass force=True" in message
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before
    run = st.train(made.to_interrupt(), store, out=out, force=True, **made.INTERRUPTED)
    assert [line["step"] for line in run.metrics] == [10, 20, 30, 40]


def test_a_run_of_0_1_0_with_other_settings_is_refused_for_these(tmp_path):
    out = tmp_path / "interrupted"
    shutil.copytree(made.HERE / "text/interrupted", out)
    store = st.open_store(made.HERE / "text/activations")
    with pytest.raises(StoreError, match=r"another training run: its config, start differ"):
        st.train(made.to_interrupt(), store, out=out, **{**made.INTERRUPTED, "batch": 32})


@pytest.mark.parametrize(
    ("run", "address"),
    [(run, each) for run, kinds in ADDRESSES.items() for each in (*kinds["pages"], *kinds["api"])],
)
def test_every_address_is_answered_as_it_was(run, address, explorers):
    """Corrected in the fixture are answers that were faults: times of every tenth step only, and
    the active features of the index in the note of a dictionary, beside those of an evaluation.
    """
    with urllib.request.urlopen(explorers[run].url.rstrip("/") + address) as answer:
        assert answer.status == 200
        said = answer.read()
    kept = ADDRESSES[run]["answers"].get(address)
    if kept is not None:
        text = (made.HERE / kept).read_text()
        for old, new in RENAMED_KEYS.items():
            text = text.replace(f'"{old}":', f'"{new}":')
        assert_kept(json.loads(said), as_of_now(json.loads(text), run, address))


def as_of_now(kept, run, address):
    """The answer of 0.1.0, with the values of `CHANGED` that are of this address."""
    for (of_run, of_address, key), (before, now) in CHANGED.items():
        if (of_run, of_address) == (run, address):
            assert kept[key] == before
            kept[key] = now
    return kept


def test_every_answer_that_changed_on_purpose_is_of_an_address_on_file():
    assert all(address in ADDRESSES[run]["answers"] for run, address, _ in CHANGED)


def values_of(path):
    """The metrics of a leaderboard file; 0.1.0 called them figures."""
    entries = json.loads(Path(path).read_text())["entries"]
    return [entry.get("metrics", entry.get("figures")) for entry in entries]


@pytest.mark.filterwarnings("default")
def test_the_commands_take_the_run_file(runs, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy = tmp_path / "copy"
    shutil.copytree(made.HERE, copy)
    monkeypatch.chdir(copy / "text")
    before = Path("topk/dictionary.safetensors").stat().st_mtime_ns
    trained = CliRunner().invoke(app, ["train", "--config", "config.yaml"])
    assert trained.exit_code == 0 and "topk: fvu" in trained.stdout
    assert "holds a finished run of another version of sparsetime" in trained.stderr
    assert Path("topk/dictionary.safetensors").stat().st_mtime_ns == before, "opened, not trained"
    assert "evaluation.json" in command("evaluate", "--config", "config.yaml")
    assert "topk/features: indexed" in command("index", "--config", "config.yaml")
    assert "batch_topk" in command("leaderboard", "--config", "config.yaml")
    saved = "../leaderboard/leaderboard.json"
    assert values_of(saved) == values_of(made.HERE / "leaderboard/leaderboard.json"), "not measured"
    assert yaml.safe_load(Path("config.yaml").read_text()) == made.CONFIG


@pytest.mark.parametrize("run", ["text", "series", "suite", "leaderboard"])
def test_reports_are_written_of_it(run, runs, tmp_path):
    shutil.copytree(runs / run, tmp_path / run)
    page = st.report(tmp_path / run, progress=False).read_text()
    assert page.startswith("<!doctype html>") or "<html" in page


def test_the_dictionaries_of_a_suite_and_a_leaderboard_open():
    for path in (*made.HERE.glob("suite/*-32"), *made.HERE.glob("leaderboard/runs/*/*")):
        sae = st.load(path)
        assert sae.encode(torch.ones(2, sae.d_in)).rows == 2


def test_training_settings_of_suites_and_leaderboards_have_todays_keys():
    suite = Suite.open(str(made.HERE / "suite"))
    saved = TrainConfig(rows=2000, batch=100).model_dump(mode="json")
    assert suite.about["settings"]["train"] == saved
    board = Leaderboard.open(str(made.HERE / "leaderboard"))
    assert board.settings.train.model_dump(mode="json") == saved
    assert all(entry.terms["train"] == saved for entry in board.entries)


def test_testbeds_under_their_earlier_names_are_probed_for_the_same_labels():
    ladder = LeaderboardSettings(beds=["code", "orchestra"]).ladder
    assert ladder["code"] == ladder["python"]
    assert "code" not in LeaderboardSettings().ladder
