"""An index as Neuronpedia's export: its columns, tokens and values, and what is refused."""

import gzip
import json

import numpy as np
import pytest
import torch
from known_codes import Itself, make_store

import sparsetime as st
from sparsetime.errors import ConfigError, MismatchError, StoreError
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.interop import add_neuronpedia_explanations, write_neuronpedia_export
from sparsetime.models.load import load_model

# Columns of the tables Neuron, Activation and Explanation of Neuronpedia's database (prisma schema
# of August 2026) that are written here, with their types: lists of numbers or texts, or one.
NEURON = {
    **dict.fromkeys(("modelId", "layer", "index", "creatorId", "createdAt"), str),
    **{"sourceSetName": str, "maxActApprox": float, "frac_nonzero": float, "hasVector": bool},
    **{"vector": [float], "vectorDefaultSteerStrength": float, "hookName": str},
    **{"freq_hist_data_bar_heights": [float], "freq_hist_data_bar_values": [float]},
    **{"logits_hist_data_bar_heights": [float], "logits_hist_data_bar_values": [float]},
    **{"neuron_alignment_indices": [int], "neuron_alignment_values": [float]},
    **{"neuron_alignment_l1": [float]},
    **{"pos_str": [str], "pos_values": [float], "neg_str": [str], "neg_values": [float]},
}
ACTIVATION = {
    **dict.fromkeys(("id", "modelId", "layer", "index", "creatorId", "createdAt"), str),
    **{"tokens": [str], "values": [float], "maxValue": float, "minValue": float},
    **{"maxValueTokenIndex": int, "qualifyingTokenIndex": int, "dataIndex": str},
    **{"binMin": float, "binMax": float, "binContains": float},
}
EXPLANATION = dict.fromkeys(
    ("id", "modelId", "layer", "index", "authorId", "description", "createdAt"), str
)
NAMES = {
    "model_id": "tiny",
    "layer": 3,
    "source_set": "res-mine",
    "creator": "Ada",
    "creator_id": "user",
}


def is_of(value, kind):
    if value is None:  # of columns that may be null
        return kind is not bool
    if isinstance(kind, list):
        return isinstance(value, list) and all(is_of(one, kind[0]) for one in value)
    return isinstance(value, (int, float) if kind is float else kind)


def lines(folder, kind, number=0):
    data = gzip.decompress((folder / kind / f"batch-{number}.jsonl.gz").read_bytes())
    return [json.loads(line) for line in data.decode().splitlines()]


FIRST = [[0, 0, 0], [4, 1, 0], [0, 0, 0], [0, 0, 0], [2, 0, 0], [0, 0, 0]]
TEXTS = ["one  two three\n four five six", "a b"]


@pytest.fixture
def store(tmp_path):
    # The words are apart by more than one space in one place; steps have the offsets of words.
    spans = [(0, 3), (5, 8), (9, 14), (16, 20), (21, 25), (26, 29)]
    return make_store(
        tmp_path / "store", [FIRST, [[0, 0, 0], [3, 0, 0]]], texts=[(TEXTS[0], spans), TEXTS[1]]
    )


@pytest.fixture
def index(store, tmp_path):
    return st.index(Itself(3), store, out=tmp_path / "index", progress=False)


def written(index, store, tmp_path, **more):
    path = write_neuronpedia_export(
        index, store, tmp_path / "out", **{**NAMES, **more}, progress=False
    )
    assert path == str(tmp_path / "out" / "tiny" / "3-res-mine")
    return tmp_path / "out" / "tiny" / "3-res-mine"


def test_examples_have_tokens_and_values_around_them(index, store, tmp_path):
    folder = written(index, store, tmp_path, around=1)
    rows = [row for row in lines(folder, "activations") if row["index"] == "0"]
    assert [row["maxValue"] for row in rows] == [4, 3, 2], "the largest first"
    assert rows[0]["tokens"] == ["one", " two", " three"] and rows[0]["values"] == [0, 4, 0]
    assert rows[1]["tokens"] == ["a", " b"] and rows[1]["maxValueTokenIndex"] == 1
    assert len({row["id"] for row in lines(folder, "activations")}) == 4
    for row in lines(folder, "activations"):
        assert {key: is_of(value, ACTIVATION[key]) for key, value in row.items()} == dict.fromkeys(
            row, True
        )


def test_overlapping_contexts_are_one_example(index, store, tmp_path):
    rows = lines(written(index, store, tmp_path, around=2), "activations")
    assert [row["values"] for row in rows if row["index"] == "0"] == [[0, 4, 0, 0], [0, 3]]


def test_features_have_densities_and_histograms(index, store, tmp_path):
    features = lines(written(index, store, tmp_path), "features")
    assert [row["index"] for row in features] == ["0", "1", "2"]
    assert features[0]["frac_nonzero"] == 3 / 8 and features[0]["maxActApprox"] == 4
    assert sum(features[0]["freq_hist_data_bar_heights"]) == 3
    assert features[2]["freq_hist_data_bar_heights"] == [] and not features[2]["hasVector"]
    for row in features:
        assert all(is_of(value, NEURON[key]) for key, value in row.items())


def test_sources_are_named(index, store, tmp_path):
    folder = written(index, store, tmp_path, data="made/texts")
    source, kept = (
        json.loads((folder / f"{n}.jsonl").read_text()) for n in ("source", "sourceset")
    )
    assert source["id"] == "3-res-mine" and source["setName"] == kept["name"] == "res-mine"
    assert (source["num_prompts"], source["num_tokens_in_prompt"]) == (2, 6)
    assert source["dataset"] == "made/texts"
    for name in ("model", "release"):
        assert json.loads((folder / f"{name}.jsonl").read_text())["creatorId"] == "user"


def test_names_come_back_as_explanations(index, store, tmp_path):
    column = ColumnDefinition("mine", "string", "a name", role="name")
    index.add_table("mine", {"feature": [0, 1, 2], "mine": ["dogs", None, None]}, [column])
    folder = written(index, store, tmp_path)
    (row,) = lines(folder, "explanations")
    assert all(is_of(value, EXPLANATION[key]) for key, value in row.items())
    assert add_neuronpedia_explanations(index, folder / "explanations") == 1
    assert index.column("neuronpedia").to_pylist() == ["dogs", None, None]


class Head(torch.nn.Module):
    """A model that is only an unembedding of two tokens."""

    def __init__(self):
        super().__init__()
        self.head = torch.nn.Linear(3, 2, bias=False)
        self.head.weight.data = torch.tensor([[1.0, 0, 0], [0, 2, 0]])

    def get_output_embeddings(self):
        return self.head

    def forward(self, x):
        return self.head(x)


def test_a_dictionary_gives_vectors_raw_values_and_logits(store, tmp_path):
    sae = st.dictionary("topk", d_in=3, width=4, k=1, seed=0)
    sae.normalisation.scale.fill_(2.0)
    index = st.index(sae, store, out=tmp_path / "index", progress=False)
    folder = written(index, store, tmp_path, dictionary=sae, model=load_model(Head()))
    features, activations = lines(folder, "features"), lines(folder, "activations")
    np.testing.assert_allclose([row["vector"] for row in features], sae.atoms.detach(), atol=1e-7)
    code = sae.encode(store.sequence(0).values).dense()[1] * 2
    largest = code.abs().argmax()
    row = next(row for row in activations if row["index"] == str(int(largest)))
    assert row["values"][1] == pytest.approx(float(code[largest]), abs=1e-5)
    logits = sae.atoms.detach() @ Head().head.weight.T
    for row, own in zip(features, logits - logits.mean(1, keepdim=True), strict=True):
        assert row["pos_values"] == pytest.approx(
            own.sort(descending=True).values.tolist(), abs=1e-5
        )
        assert row["pos_str"][0] == f"token {int(own.argmax())}" == row["neg_str"][1]
        assert row["hookName"] == "blocks.3.hook_resid_post"
        assert all(is_of(value, NEURON[key]) for key, value in row.items())


@pytest.mark.parametrize(
    ("provenance", "hook"),
    [
        ({"site": "model.layers.3"}, "blocks.3.hook_resid_post"),
        ({"site": "model.layers.3.mlp"}, None),
        ({"site": "model.layers.2"}, None),
        ({"hook": "blocks.3.hook_mlp_out", "site": "model.layers.3.mlp"}, "blocks.3.hook_mlp_out"),
    ],
)
def test_the_hook_to_steer_at_is_that_of_the_site_or_none(store, tmp_path, provenance, hook):
    sae = st.dictionary("topk", d_in=3, width=4, k=1, seed=0)
    index = st.index(sae, store, out=tmp_path / "index", progress=False)
    sae.provenance = provenance
    rows = lines(written(index, store, tmp_path, dictionary=sae), "features")
    assert {row["hookName"] for row in rows} == {hook}


def test_what_is_refused(index, store, tmp_path):
    with pytest.raises(ConfigError, match="got source_set='a b'"):
        written(index, store, tmp_path, source_set="a b")
    other = st.dictionary("topk", d_in=3, width=3, k=1)
    with pytest.raises(MismatchError, match="got another dictionary"):
        written(index, store, tmp_path, dictionary=other)
    written(index, store, tmp_path)
    with pytest.raises(StoreError, match="force"):
        written(index, store, tmp_path)
    written(index, store, tmp_path, force=True)
