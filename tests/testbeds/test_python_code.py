"""The code testbed as users get it: the shipped model, and a store with every token labelled."""

import math

import numpy as np
import pytest
import torch

import sparsetime as st
from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.interventions.lm_loss import next_token_loss
from sparsetime.testbeds.python_code.build import PythonCodeSettings, documents
from sparsetime.testbeds.python_code.labels import LADDER
from sparsetime.testbeds.python_code.pretrained import WEIGHTS, code_model, record
from sparsetime.testbeds.python_code.publish import token_losses
from sparsetime.testbeds.python_code.stdlib_source import modules

SMALL = {"tokens": 3000, "longest": 6000, "progress": False}


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    return st.testbed("python", out=tmp_path_factory.mktemp("beds") / "code", **SMALL)


def test_the_shipped_model_is_small_and_beats_counting_on_modules_that_it_never_saw():
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*.*")) < 19e6
    found = record()["held_out"]
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]), rel=1e-3)
    assert found["perplexity"] < found["perplexity_5_gram"]
    model = code_model()
    some = [m for m in modules() if m.held_out and 3000 < len(m.text) < 12000][:5]
    ids = [np.array(model.tokenizer(m.text, add_special_tokens=False)["input_ids"]) for m in some]
    assert float(token_losses(model.model, ids, 256).mean().exp()) < found["perplexity_5_gram"]


def test_the_record_says_how_the_model_came_to_be():
    said = record()
    assert said["parameters"] == sum(p.numel() for p in code_model().model.parameters())
    assert [step for step, _ in said["checkpoints"]][-1] == said["settings"]["steps"]
    losses = [loss for _, loss in said["loss"]]
    assert losses[0] > 5 > 3 > losses[-1]
    assert said["data"]["training"]["tokens"] > 5 * said["data"]["held_out"]["tokens"]


def test_every_step_has_its_labels_and_they_fit_its_text(code):
    assert code.labels == LADDER
    assert len(code.store) >= 3000
    assert code.store.site == "model.layers.1"
    for i in range(len(code.store.sequence_indices)):
        sequence = code.store.sequence(i)
        assert set(sequence.labels) == {"module", "package", "held_out"}
        steps = sequence.steps.to_pylist()
        assert {*LADDER[:-2]} <= set(steps[0])
        for step in steps:
            piece = sequence.text[step["char_start"] : step["char_end"]]
            if step["kind"] == "operator":
                assert step["operator"] is not None
                assert piece.strip("\\\n ") in step["operator"]
            if step["kind"] == "newline":
                assert not piece.strip()
            if step["kind"] == "comment" and "#" in piece:
                assert step["in_comment"] and not step["in_string"]
        names = [s["kind"] for s in steps]
        assert {"name", "keyword", "operator", "newline"} <= set(names)


def test_a_finished_testbed_is_opened_and_splits_by_document(code, monkeypatch):
    monkeypatch.setattr("sparsetime.testbeds.python_code.build.documents", None)
    again = st.testbed("python", out=code.store.path, **SMALL)
    assert again.store.fingerprint == code.store.fingerprint
    first, second = again.store.split(0.3)
    assert not set(first.sequence_indices) & set(second.sequence_indices)


def test_an_interrupted_build_resumes_to_the_same_bytes(code, tmp_path, monkeypatch):
    from sparsetime.activations.capture import run_captures as capturing

    def cut_off(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(capturing, "_append", cut_off)
        st.testbed("python", out=tmp_path / "code", **SMALL)
    again = st.testbed("python", out=tmp_path / "code", **SMALL)
    assert again.store.fingerprint == code.store.fingerprint


def test_the_model_of_the_testbed_predicts_its_text(code):
    text = code.store.sequence(0).text[:500]
    ids = code.model.tokenizer(text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        plain = next_token_loss(code.model.model, ids)
        without = next_token_loss(code.model.model, ids, code.store.site, torch.zeros_like)
    assert float(plain) < 5
    assert float(without) > float(plain) + 1


def test_the_synthetic_testbed_is_kept_in_the_cache_folder_with_its_truth(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    small = {"sequences": 5, "time": 40, "progress": False}
    bed = st.testbed("synthetic", **small)
    assert bed.model is None and bed.labels == ("state",)
    assert bed.truth.code.shape == (5, 40)
    for i in range(5):
        found = bed.store.sequence(i)
        assert np.array_equal(found.values, bed.truth.activations[i])
        assert found.steps["state"].to_pylist() == bed.truth.state[i].tolist()
    (folder,) = (tmp_path / "sparsetime" / "testbeds").iterdir()
    assert folder.name.startswith("orchestra-")
    assert st.testbed("synthetic", **small).store.fingerprint == bed.store.fingerprint
    assert st.testbed("orchestra", **small).store.path == bed.store.path  # its earlier name
    st.testbed("synthetic", seed=1, **small)  # other settings do not meet
    assert len(list(folder.parent.iterdir())) == 2


def test_what_is_asked_for_wrongly_is_said(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'synthetic'"):
        st.testbed("synthetik")
    with pytest.raises(ConfigError, match="testbed 'python': unknown key 'token'; did you mean"):
        st.testbed("python", token=3)
    with pytest.raises(UnknownNameError, match=r"model\.layers\.1"):
        st.testbed("python", out=tmp_path, site="model.layer.1", **SMALL)
    with pytest.raises(DataError, match="has at most 1 characters; raise `longest`"):
        documents(None, PythonCodeSettings(longest=1))
