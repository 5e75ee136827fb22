"""A dictionary for every site, in one call."""

from pathlib import Path

import edited
import pytest
import torch
from torch import nn
from toy_models import llama_lm

import sparsetime as st
from sparsetime.errors import ConfigError, DataError, StoreError, UnknownNameError
from sparsetime.files import Folder
from sparsetime.models.site_patterns import matching_sites
from sparsetime.suites.entry_training import new_dictionary
from sparsetime.suites.settings import SuiteSettings
from sparsetime.suites.suite_record import RECORD, TABLE, Suite

TRAIN = {"rows": 3000, "batch": 128, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def model():
    return llama_lm(max_position_embeddings=64).eval()


@pytest.fixture(scope="module")
def data():
    generator = torch.Generator().manual_seed(1)
    return [torch.randint(3, 50, (60,), generator=generator) for _ in range(40)]


def made(model, data, out, **own):
    settings = {"width": 32, "settings": {"k": 4}, "train": TRAIN, "progress": False, **own}
    return st.suite(model, data, ["model.layers.*", "model.layers.*.mlp"], out, **settings)


@pytest.fixture(scope="module")
def suite(model, data, tmp_path_factory):
    return made(model, data, tmp_path_factory.mktemp("suite") / "run", width=[32, 64])


def test_every_site_has_a_dictionary_of_every_width(suite):
    sites = [f"model.layers.{i}{part}" for part in ("", ".mlp") for i in (0, 1)]
    assert [(e.site, e.width) for e in suite.entries] == [(s, w) for s in sites for w in (32, 64)]
    assert [e.depth for e in suite.entries] == [0, 0, 1, 1] * 2
    for entry in suite.entries:
        assert 0 < entry.fvu < 1 and entry.l0 <= 4 and 0 <= entry.dead <= 1
        sae = suite.load(entry.site, entry.width)
        assert sae.width == entry.width and sae.provenance["site"] == entry.site
    assert suite.entries[1].fvu < suite.entries[0].fvu  # wider leaves less


def test_dictionaries_of_a_suite_begin_with_weights_of_their_own():
    """From equal weights, atoms of two sites would resemble each other without a reason."""
    settings = SuiteSettings(sites=["layers.*"], width=[32], settings={"k": 4})
    other_seed = settings.model_copy(update={"seed": 1})
    atoms = [
        new_dictionary(chosen, site, 16, 32).atoms.detach()
        for chosen, site in (
            (settings, "layers.0"), (settings, "layers.0"), (settings, "layers.1"),
            (other_seed, "layers.0"),
        )
    ]  # fmt: skip
    assert torch.equal(atoms[0], atoms[1])
    for other in atoms[2:]:
        assert (atoms[0] * other).sum(1).abs().max() < 0.9


def test_its_figures_are_those_of_evaluate(suite):
    entry = suite.entries[2]
    store = st.open_store(f"{suite.path}/activations/{entry.site}")
    _, held_out = store.split(held_out=0.1, seed=0)
    report = st.evaluate(suite.load(entry.site, 32), held_out, ["fvu", "l0"], progress=False)
    assert report["fvu"].value == pytest.approx(entry.fvu)
    assert report["l0"].value == pytest.approx(entry.l0)


def test_the_record_and_the_table_say_the_same(suite):
    again = Suite.open(suite.path)
    assert again == suite
    lines = Folder(suite.path).read_text(TABLE).splitlines()
    assert lines[0] == "| site | width | FVU | L0 | dead |"
    assert len(lines) == 2 + 8 and lines[2].startswith("| `model.layers.0` | 32 | 0.")


def test_a_record_of_0_1_0_has_its_increases_under_another_key(suite, tmp_path):
    record = edited.read_json(Path(suite.path) / RECORD)
    for entry in record["entries"]:
        entry["loss_rises"] = {"16 tokens": 0.5}
        del entry["ce_increase"]
    edited.write_json(tmp_path / RECORD, record)
    assert Suite.open(str(tmp_path)).entries[0].ce_increase == {"16 tokens": 0.5}


def test_a_suite_resumes_and_measures_what_is_new(model, data, tmp_path, monkeypatch):
    """Cut off after the second dictionary; then contexts and a copy are asked for."""
    from sparsetime.suites import entry_training as module

    whole = made(model, data, tmp_path / "whole")
    count = 0

    def cut_off(*args, **settings):
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return st.train(*args, **settings)

    monkeypatch.setattr(module, "train", cut_off)
    with pytest.raises(KeyboardInterrupt):
        made(model, data, tmp_path / "cut")
    assert len(Suite.open(str(tmp_path / "cut")).entries) == 2
    monkeypatch.undo()
    went_on = made(model, data, tmp_path / "cut")
    assert went_on.entries == whole.entries

    monkeypatch.setattr(module, "evaluate", None)  # what is known is not measured again
    torch.manual_seed(3)
    copy = type(model)(model.config).eval()
    names = ["16 tokens", "16 tokens, other", "32 tokens", "32 tokens, other"]
    measured = made(model, data, tmp_path / "cut", contexts=[16, 32], copies={"other": copy})
    for entry, before in zip(measured.entries, whole.entries, strict=True):
        assert entry.fvu == before.fvu
        assert sorted(entry.ce_increase) == names
        assert entry.ce_increase["16 tokens"] != entry.ce_increase["16 tokens, other"]
    assert "CE increase, 32 tokens, other" in measured.table()


def test_a_suite_whose_settings_hold_tuples_is_opened_again(model, data, tmp_path):
    """JSON has no tuples: the record holds lists in their place."""
    settings = {
        "recipe": "matryoshka_batch_topk",
        "settings": {"k": 4, "fractions": (0.5, 1.0)},
        "train": {"rows": 256, "batch": 128, "exclude_tokens": (49,), "lag": (1, 2)},
        "width": 8,
        "progress": False,
    }
    first = st.suite(model, data, "model.layers.0", tmp_path / "run", **settings)
    assert st.suite(model, data, "model.layers.0", tmp_path / "run", **settings) == first
    assert Suite.open(str(tmp_path / "run")) == first
    with pytest.raises(StoreError, match=r"holds a suite of another settings .*choose another"):
        other = {**settings, "train": {**settings["train"], "lag": (1, 3)}}
        st.suite(model, data, "model.layers.0", tmp_path / "run", **other)


def test_patterns_name_one_step_of_a_path(model):
    found = matching_sites(model, ["model.layers.*", "model.layers.*.mlp:input", "model.layers.0"])
    assert found == {
        "model.layers.*": ["model.layers.0", "model.layers.1"],
        "model.layers.*.mlp:input": ["model.layers.0.mlp:input", "model.layers.1.mlp:input"],
        "model.layers.0": [],
    }
    assert matching_sites(model, "model.layers.1.*attn") == {
        "model.layers.1.*attn": ["model.layers.1.self_attn"]
    }


@pytest.mark.parametrize(
    ("sites", "own", "error", "text"),
    [
        ("layers.*", {}, UnknownNameError, r"unknown sites 'layers.\*': did you mean .*one step"),
        ("model.layerz.0", {}, UnknownNameError, "unknown site 'model.layerz.0': did you mean"),
        ([], {}, ConfigError, "the settings of a suite: 'sites'"),
        ("model.layers.*:in", {}, ConfigError, "behind the colon stands 'input' or 'output'"),
        ("model.layers.*", {"width": []}, ConfigError, "'width'"),
        ("model.layers.*", {"recipe": "topkk"}, UnknownNameError, "did you mean 'topk'"),
        ("model.layers.*", {"settings": {"kk": 3}}, UnknownNameError, "did you mean 'k'"),
        ("model.layers.*", {"train": {"row": 3}}, ConfigError, "'train.row'"),
        (
            "model.layers.*",
            {"recipe": "transcoder"},
            DataError,
            "transcoder needs target, which a store of one site does not give",
        ),
        ("model.layers.*", {"contexts": [65]}, ConfigError, "65 tokens must .* at most 64, which"),
        ("model.layers.*", {"copies": {"b": nn.Linear(2, 2)}}, ConfigError, "the loss of b is"),
    ],
)
def test_what_cannot_be_is_refused_before_the_capture(
    model, data, tmp_path, sites, own, error, text
):
    settings = {"width": 32, "settings": {"k": 4}, "train": TRAIN, "progress": False, **own}
    with pytest.raises(error, match=text):
        st.suite(model, data, sites, tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_model_without_logits_has_no_loss(model, data, tmp_path):
    with pytest.raises(DataError, match="LlamaModel gives no logits"):
        st.suite(model.model, data, "layers.*", tmp_path / "run", width=32, contexts=[16])


def test_a_folder_of_something_else_is_refused(suite, model, data, tmp_path):
    with pytest.raises(StoreError, match=r"holds a suite of another settings .*choose another"):
        made(model, data, suite.path)
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"is not empty and holds no suite: it has note.txt"):
        made(model, data, tmp_path)
    with pytest.raises(StoreError, match=f"holds no {RECORD}"):
        Suite.open(str(tmp_path))


def test_what_a_suite_has_not_is_answered_with_what_it_has(suite):
    with pytest.raises(UnknownNameError, match=r"unknown site of the suite 'model.layers.7'"):
        suite.load("model.layers.7")
    with pytest.raises(UnknownNameError, match=r"unknown width of 'model.layers.0' '48'"):
        suite.load("model.layers.0", 48)
    with pytest.raises(UnknownNameError, match="'None'"):
        suite.load("model.layers.0")
