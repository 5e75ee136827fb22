"""The commands steer, ablate and effects, and the texts in which they take edits and spans."""

from pathlib import Path

import pytest
from steered_models import language_model, small_dictionary
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app
from sparsetime.cli.options import site_and_folder
from sparsetime.errors import ConfigError
from sparsetime.files import Folder
from sparsetime.interventions import parse_span
from sparsetime.steering.edit_text import parse_edits
from sparsetime.steering.edits import Ablate, Add, Set, Swap

MODEL = """
from steered_models import language_model

def build():
    return language_model()
"""


@pytest.mark.parametrize(
    "text",
    [
        "generated()",
        "steps(2, 5) | last(3)",
        "~(prompt() & while_on(3, above=0.5, hold=2)).rising(2).falling(3)",
        "after('def ') & ~where(kind='string')",
    ],
)
def test_a_span_of_a_text_is_the_span_of_the_code(text):
    names = {name: getattr(st.spans, name) for name in dir(st.spans)}
    assert str(parse_span(text)) == str(eval(text, names))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps(2", "expected one such as generated"),
        ("later()", "got the span 'later' in 'later\\(\\)', which does not exist"),
        ("stepz(1)", "expected 'steps'"),
        ("steps(open('x'))", "arguments are not numbers and texts"),
        ("steps(1, 2, 3)", "takes from 0 to 2 positional arguments"),
        ("steps(3, 3)", "0 <= begin < end"),
        ("__import__('os').system('x')", "expected one such as"),
        ("2", "expected one such as"),
    ],
)
def test_texts_that_are_no_span(text, words):
    with pytest.raises(ConfigError, match=words):
        parse_span(text)


def test_edits_of_texts():
    parsed = parse_edits(["12=2.0", "12=set:0", "3=ablate:mean", "4=swap:9"])
    assert parsed == {
        12: [Add(strength=2.0), Set(strength=0.0)],
        3: [Ablate(by="mean")],
        4: [Swap(other=9)],
    }
    for text in ("12", "x=1", "12=much", "12=double:2"):
        with pytest.raises(ConfigError, match=f"got the edit '{text}'"):
            parse_edits([text])


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_model.py").write_text(MODEL)
    sae = small_dictionary("topk", 1, 0.1, k=6)
    sae.provenance = {"site": "model.layers.0"}
    sae.save("sae")
    return ["--model", "my_model.py:build", "--dictionary", "sae"]


def _run(*arguments, code=0):
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.output


def test_steer_and_ablate_print_both_texts(work):
    prompt = ["--prompt", "BCDE", "--tokens", "6"]
    output = _run("steer", *work, "--edit", "3=90", "--span", "generated()", *prompt)
    plain, steered, record = output.splitlines()
    assert plain.split(maxsplit=1)[1] != steered.split(maxsplit=1)[1]
    assert record.startswith("model.layers.0: 5 steps edited, added norm / norm of the site ")
    output = _run("ablate", *work, "--feature", "3", "--feature", "4", *prompt)
    assert output.splitlines()[0] == plain
    output = _run("ablate", *work, "--feature", "99", *prompt, code=2)
    assert "expected a number from 0 to 31" in output


def test_features_of_several_sites_are_steered_and_ablated(work):
    model = work[:2]
    for number in (0, 1):
        small_dictionary("topk", number, 0.1, k=6).save(f"sae{number}")
    both = [f"model.layers.{n}" for n in (0, 1)]
    given = [*model, *(x for n in (0, 1) for x in ("--dictionary", f"{both[n]}=sae{n}"))]
    prompt = ["--prompt", "BCDE", "--tokens", "4"]
    edits = ["--edit", f"{both[0]}/3=90", "--edit", f"{both[1]}/4=set:2"]
    output = _run("steer", *given, *edits, *prompt)
    assert [line.partition(":")[0] for line in output.splitlines()[2:]] == both
    assert "7 steps edited" in output.splitlines()[2]
    output = _run("ablate", *given, "--feature", f"{both[1]}/4", *prompt)
    assert "model.layers.0: 0 steps edited" in output
    refused = {
        "got '3=1' for dictionaries of 2 sites, expected SITE/3=1": ["--edit", "3=1"],
        "unknown site of the edits 'model.layers.7'": ["--edit", "model.layers.7/3=1"],
        "got --site model.layers.0 beside": [*edits, "--site", "model.layers.0"],
        "got --index with 2 dictionaries": [*edits, "--index", "features"],
        "for 'model.layers.0', which has one already": [*edits, "--dictionary", f"{both[0]}=sae1"],
    }
    for words, arguments in refused.items():
        assert words in _run("steer", *given, *arguments, *prompt, code=2)
    assert "got the feature 'x'" in _run("ablate", *given, "--feature", "x", *prompt, code=2)


@pytest.mark.parametrize("folder", ["runs/rate=1e-3/topk", "k=6"])
def test_a_folder_of_a_dictionary_may_hold_an_equals_sign(work, folder):
    assert site_and_folder(f"model.layers.0={folder}") == ("model.layers.0", folder)
    Path(folder).parent.mkdir(parents=True, exist_ok=True)
    Path("sae").rename(folder)
    assert site_and_folder(folder) == ("", folder)
    given = [*work[:2], "--dictionary", folder, "--edit", "3=90"]
    output = _run("steer", *given, "--prompt", "BCDE", "--tokens", "1")
    assert "model.layers.0: 4 steps edited" in output


def test_effects_of_several_sites(work):
    for number in (0, 1):
        small_dictionary("topk", number, 0.1, k=6).save(f"sae{number}")
    documents = [st.Document(f"text {i}", tokens=[*range(6, 34)]) for i in range(3)]
    layers = [f"model.layers.{n}" for n in (0, 1)]
    st.capture(language_model().model, documents, site=layers[0], out="store", progress=False)
    given = [*work[:2], *(x for n in (0, 1) for x in ("--dictionary", f"{layers[n]}=sae{n}"))]
    settings = ["--store", "store", "--at", "3", "--lags", "3", "--hold", "2", "--null", "1"]
    edits = ["--edit", f"{layers[0]}/3=9", "--edit", f"{layers[1]}/4=9"]
    _run("effects", *given, *edits, *settings, "--out", "index")
    record = Folder("index/effects").read_json("3-at-2-sites.json", 1)
    assert record["settings"]["sites"] == layers
    assert list(record["settings"]["edits"]) == [f"{layers[0]}: 3", f"{layers[1]}: 4"]
    output = _run("effects", *given, *edits, *settings, "--index", "index", code=2)
    assert "got --index with 2 dictionaries, expected one; leave it out" in output


def test_effects_prints_a_table_and_saves(work):
    texts = [st.Document(f"text {i}", text="BCDEFGHBCDEFGH" * 2) for i in range(3)]
    tokens = [st.Document(d.id, tokens=[ord(c) - 60 for c in d.text]) for d in texts]
    model = language_model().model
    store = st.capture(model, tokens, site="model.layers.0", out="store", progress=False)
    assert len(store.sequences) == 3
    output = _run(
        "effects", *work, "--edit", "3=9", "--store", "store", "--at", "3", "--lags", "4",
        "--hold", "2", "--null", "2", "--echo", "--out", "index",
    )  # fmt: skip
    lines = output.splitlines()
    assert any(line.split()[:3] == ["response", "lag", "0"] for line in lines)
    assert [line.split()[0] for line in lines if line.startswith(("imp", "step", "rel"))] == [
        "impulse", "step", "release",
    ]  # fmt: skip
    assert "KL in nats, mean of 6 windows" in output
    half_lives = {line.split()[0]: line.split()[-2:] for line in lines if line}
    assert half_lives["step"] == ["-", "-"]  # an edit that is held has no end to count from
    assert float(half_lives["release"][-1]) > 0
    saved = Folder("index").read_json("effects/3.json", 1)
    assert saved["settings"]["at"] == 3
    assert len(saved["echo"]["carried"]["mean"]) == 5


def test_judge_prints_every_arm_and_saves(work):
    Path("prompts.txt").write_text("<us\nB<u\n\nABC\nCBA\n")
    output = _run(
        "judge", *work, "--prompts", "prompts.txt", "--feature", "3", "--word", "A", "--dose", "1",
        "--nulls", "1", "--tokens", "3", "--limit", "50", "--out", "index",
    )  # fmt: skip
    arms = ["plain", "reconstruction", "features", "gradient", "random"]
    assert [line.split()[0] for line in output.splitlines() if line.startswith(tuple(arms))] == arms
    assert "Features 3 at model.layers.0; judge: share of the words a; 2 prompts" in output
    assert Folder("index").read_json("judged/3.json", 1)["about"]["prompts"] == ["B<u", "CBA"]
    refused = ["judge", "--model", "none:none", *work[2:], "--prompts", "prompts.txt"]
    assert "steps(" in _run(*refused, "--span", "steps(", code=2)  # before the model is loaded
    output = _run("judge", *work, "--prompts", "nothing.txt", code=2)
    assert "got 'nothing.txt', which cannot be read as text" in output


def test_unlearn_writes_weights_and_an_adapter(work):
    model = language_model().model
    for name, letters in {"concept": "BCDEFGHBCDEFGH", "other": "IJKIJKIJKIJKIJ"}.items():
        tokens = [
            st.Document(f"text {i}", tokens=[ord(c) - 60 for c in letters * 2]) for i in range(3)
        ]
        st.capture(model, tokens, site="model.layers.0", out=name, progress=False)
    settings = ["--forget", "concept", "--keep", "other", "--steps", "2", "--window", "8"]
    output = _run("unlearn", *work, *settings, "--feature", "3", "--out", "changed")
    assert "features at model.layers.0: 3" in output
    assert "loss to keep: " in output and output.splitlines()[-1] == "written to changed"
    assert Folder("changed").exists("model.safetensors")
    _run("unlearn", *work, *settings, "--feature", "3", "--out", "low_rank", "--adapter")
    assert Folder("low_rank").exists("adapter_config.json")
    output = _run("unlearn", *work, *settings, "--feature", "3", "--out", "changed", code=2)
    assert "is not empty" in output
    assert "features at" not in output, "refused after the training"
