"""Neuronpedia's explanations name the features of an index."""

import gzip
import json

import pytest
import torch
from known_codes import Itself, make_store

import sparsetime as st
from sparsetime.errors import DataError, StoreError
from sparsetime.interop import add_neuronpedia_explanations

ROWS = torch.tensor([[1.0, 0, 2], [0, 3, 1]])


def line(index, description, **more):
    record = {"modelId": "gemma-2-2b", "layer": "3-res", "index": str(index)}
    return json.dumps(record | {"description": description} | more)


@pytest.fixture
def index(tmp_path):
    store = make_store(tmp_path / "store", [ROWS])
    return st.index(Itself(3), store, out=tmp_path / "index", progress=False)


def batches(folder, *texts):
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"batch-{number}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def test_the_first_explanation_of_a_feature_counts(index, tmp_path):
    first = "\n".join([line(2, "numbers", explanationModelName="gpt-4o-mini"), "", line(0, "dogs")])
    path = batches(tmp_path / "explanations", first, line(2, "later"))
    assert add_neuronpedia_explanations(index, path) == 2
    again = st.open_index(tmp_path / "index")
    assert again.column("neuronpedia").to_pylist() == ["dogs", None, "numbers"]
    assert again.column("neuronpedia_model").to_pylist() == [None, None, "gpt-4o-mini"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (line(3, "x"), "got the index '3', expected a feature of the 3"),
        (line("-1", "x"), "got the index '-1'"),
        ('{"index": "0"}', "line 1 has no description"),
        ("[]", "line 1 has no description"),
        ("{", "line 1 is not valid JSON"),
    ],
)
def test_other_lines_are_refused(index, tmp_path, text, message):
    path = batches(tmp_path / "explanations", text)
    with pytest.raises(DataError, match=message):
        add_neuronpedia_explanations(index, path)


def test_a_folder_without_batches_or_a_damaged_batch_is_refused(index, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="holds no batch of explanations"):
        add_neuronpedia_explanations(index, tmp_path / "empty")
    path = batches(tmp_path / "explanations", line(0, "x") * 100)
    whole = (path / "batch-0.jsonl.gz").read_bytes()
    (path / "batch-0.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="is no batch of JSON lines"):
        add_neuronpedia_explanations(index, path)
