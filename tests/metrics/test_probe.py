"""st.probe: a model beside its untrained copy, stores beside theirs, steps and sequences."""

import json

import numpy as np
import pytest
import torch
from known_codes import Itself, make_store
from toy_models import bert, bert_folder
from toy_signals import vit
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app
from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError
from sparsetime.models.untrained import untrained_copy

WIDTH = 24
CONTROLS = ("raw input", "shuffled time")


class Reader(torch.nn.Module):
    """Two outputs of many inputs; "training" has left the first one equal to an input."""

    def __init__(self):
        super().__init__()
        self.out = torch.nn.Linear(WIDTH, 2)
        with torch.no_grad():
            self.out.weight.zero_()
            self.out.weight[0, 3] = self.out.weight[1, 5] = 1

    def forward(self, x):
        return self.out(x)


def documents(count=60, time=40):
    """Input 3 says the kind of a step, input 5 the class of a document; the rest is noise."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2, (count, time))
    for i in range(count):
        x = rng.standard_normal((time, WIDTH))
        x[:, 3], x[:, 5] = kinds[i], 3.0 * (i % 2)
        yield st.Document(
            str(i),
            values=torch.from_numpy(x).float(),
            labels={"class": f"c{i % 2}"},
            step_labels={"kind": [f"k{k}" for k in kinds[i]]},
        )


def test_a_trained_model_is_read_beside_an_untrained_copy():
    model = Reader()
    before = model.out.weight.clone()
    report = st.probe(model, "class", documents(), "out", progress=False)
    assert report.of == "sequences"
    assert set(report.readers) == {*("activations", "untrained activations"), *CONTROLS}
    assert report["raw input"].accuracy == 1  # the class is in an input
    assert report["shuffled time"].accuracy == 1  # of every step
    assert report["activations"].accuracy == 1 and report["activations"].auroc == 1
    assert torch.equal(model.out.weight, before)
    steps = st.probe(model, "kind", documents(), "out", k=1, progress=False)
    assert steps.of == "steps" and steps["activations"].accuracy == 1
    assert steps.columns["activations"].tolist() == [0]
    assert steps["untrained activations"].accuracy < 0.75


class Rise(torch.nn.Module):
    """Whether the first input rises from step to step."""

    def __init__(self):
        super().__init__()
        self.out = torch.nn.Linear(1, 1)
        torch.nn.init.ones_(self.out.weight)

    def forward(self, x):
        return self.out((x - torch.nn.functional.pad(x, (0, 0, 1, 0))[:, :-1]).tanh())


def test_a_label_of_order_is_lost_in_shuffled_time_and_in_the_mean_of_the_input():
    def ramps(count=80):
        begins = np.random.default_rng(0).normal(size=count)
        for i in range(count):
            ramp = torch.linspace(-1, 1, 30)[:, None] * (1 if i % 2 else -1) + begins[i]
            yield st.Document(str(i), values=ramp, labels={"rises": i % 2 == 1})

    report = st.probe(Rise(), "rises", ramps(), "out", progress=False)
    assert report["activations"].accuracy == 1
    assert all(report[control].accuracy < 0.8 for control in CONTROLS)


def test_tokens_are_raw_input_and_what_has_no_control_says_why(tmp_path):
    texts = [["time runs on", "and time stops"][i % 2] for i in range(40)]
    documents = [
        st.Document(str(i), text=text, labels={"kind": i % 2}) for i, text in enumerate(texts)
    ]
    folder = bert_folder(tmp_path / "model")
    report = st.probe(folder, "kind", documents, "encoder.layer.1", progress=False)
    assert report["raw input"].accuracy == 1 and "shuffled time" in report.readers
    options = ["--site", "encoder.layer.1", "--label", "kind", "--data", str(tmp_path / "a.jsonl")]
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"text": text, "kind": text[0]}) + "\n" for text in texts)
    )
    result = CliRunner().invoke(app, ["probe", str(folder), *options])
    assert result.exit_code == 0, result.output
    assert all(reader in result.output for reader in ("untrained activations", *CONTROLS))


def test_input_of_many_numbers_is_left_out_with_the_reason():
    wide = [st.Document(str(i), values=torch.rand(3, 5000), labels={"i": i % 2}) for i in range(12)]
    model = torch.nn.Sequential(torch.nn.Linear(5000, 2))
    report = st.probe(model, "i", wide, "0", progress=False)
    assert set(report.left_out) == {"raw input"}
    assert "of at most 4,096" in report.left_out["raw input"]


def test_a_dictionary_is_read_beside_a_random_one(tmp_path):
    rng = np.random.default_rng(1)
    x = np.abs(rng.standard_normal((40, 12, 8)))
    x[:, :, 2] *= (np.arange(40) % 2)[:, None]
    labels = [{"class": f"c{i % 2}"} for i in range(40)]
    store = make_store(tmp_path / "trained", list(x), labels=labels)
    noise = rng.standard_normal(x.shape)
    twin = make_store(tmp_path / "untrained", list(noise), labels=labels, model_hash="b" * 64)
    report = st.probe(
        store, "class", k=1, dictionary=Itself(8), untrained=twin, pool="last", progress=False
    )
    assert report["code"].accuracy == 1 and report.columns["code"].tolist() == [2]
    assert set(report.readers) == {
        "activations",
        "untrained activations",
        "code",
        "random dictionary",
    }
    assert report["untrained activations"].accuracy < 1


def test_a_number_without_its_twin_is_refused(tmp_path):
    x = list(np.ones((4, 3, 2)))
    labels = [{"class": f"c{i % 2}"} for i in range(4)]
    store = make_store(tmp_path / "store", x, labels=labels)
    other = make_store(tmp_path / "other", x, labels=labels, model_hash="b" * 64)
    shorter = make_store(tmp_path / "short", x[:3], labels=labels[:3], model_hash="b" * 64)
    elsewhere = make_store(tmp_path / "site", x, labels=labels, model_hash="b" * 64, site="out")
    with pytest.raises(
        ConfigError, match="got a store with untrained=NoneType, expected the store"
    ):
        st.probe(store, "class")
    with pytest.raises(MismatchError, match="got two stores of the same model"):
        st.probe(store, "class", untrained=store)
    with pytest.raises(MismatchError, match="of 3 sequences and 9 steps, expected 4 and 12"):
        st.probe(store, "class", untrained=shorter, progress=False)
    with pytest.raises(MismatchError, match="stores of the sites 'layer' and 'out', expected one"):
        st.probe(store, "class", untrained=elsewhere)
    with pytest.raises(ConfigError, match="got a store with data= or site="):
        st.probe(store, "class", data=["a"], untrained=other)
    with pytest.raises(UnknownNameError, match="klass"):
        st.probe(store, "klass", untrained=other, progress=False)
    with pytest.raises(DataError, match="got the label 'document' without two classes"):
        st.probe(store, "document", untrained=other, progress=False)
    with pytest.raises(ConfigError, match="got a model without site=, expected the documents"):
        st.probe(Reader(), "class", documents(2))
    with pytest.raises(ConfigError, match="got a model with a store as untrained="):
        st.probe(Reader(), "class", documents(2), "out", untrained=store)


def test_an_untrained_copy_is_another_one_and_reproducible():
    model = bert()
    first, again, other = (untrained_copy(model, seed) for seed in (0, 0, 1))
    hashes = [one.revision_or_hash for one in (first, again, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert st.models.model_hash(model) not in hashes
    assert not first.model.training and first.name.startswith("untrained ")
    for name, weight in first.model.named_parameters():
        if name.endswith("word_embeddings.weight"):  # as the configuration says
            assert weight.std().item() == pytest.approx(model.config.initializer_range, rel=0.25)


def test_a_model_of_transformers_within_a_module_is_initialised_too():
    """Its class token and positions are of no part that has reset_parameters."""
    model = torch.nn.ModuleDict({"vit": vit(), "head": torch.nn.Linear(16, 2)})
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(7.0)
    fresh = dict(untrained_copy(model).model.named_parameters())
    assert "vit.embeddings.cls_token" in fresh
    assert [name for name, weight in fresh.items() if (weight == 7).any()] == []
    model["vit"].scale = torch.nn.Parameter(torch.ones(3))
    with pytest.raises(ConfigError, match=r"initialises \(vit\.scale\)"):
        untrained_copy(model)


def test_parameters_that_nothing_initialises_are_named():
    model = Reader()
    model.scale = torch.nn.Parameter(torch.ones(3))
    with pytest.raises(ConfigError, match=r"no reset_parameters\(\) initialises \(scale\)"):
        untrained_copy(model)
