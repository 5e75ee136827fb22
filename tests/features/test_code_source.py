"""Code sources: an index of codes that no dictionary gave."""

from __future__ import annotations

import pytest
import torch
from known_codes import Itself, make_store, view

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.features.array_codes import ArrayCodes
from sparsetime.features.build_index import index
from sparsetime.features.code_source import CodeSource
from sparsetime.features.dictionary_codes import DictionaryCodes, as_code_source
from sparsetime.features.index import open_index

FIRST = [[1.0, 0, 0], [3, -2, 0], [0, 2, 0], [5, 0, 0]]
SECOND = [[0, 7.0, 0], [0, 0, 0]]


class ThresholdedNeurons(CodeSource):
    """Every coordinate of the activations is a latent, active above a threshold."""

    kind = "neurons"
    name = "neurons"

    def __init__(self, width, threshold):
        self.width, self.threshold = width, threshold
        self.fingerprint = f"{width} {threshold}".encode().hex()

    def code(self, sequence):
        values = sequence.values
        return SparseCode.from_dense(torch.where(values > self.threshold, values, 0.0))


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store", [FIRST, SECOND], texts=["The cat sat The", "cats purr"])


def test_a_source_without_a_dictionary_is_indexed(store, tmp_path):
    made = index(ThresholdedNeurons(3, 1.5), store, tmp_path / "index", progress=False)
    assert made.kind == "neurons" and made.width == 3 and made.directions() is None
    assert made.examples(0)["value"].to_pylist() == [5.0, 3.0]
    assert made.examples(1)["value"].to_pylist() == [7.0, 2.0]
    assert made.features["words"][1].as_py()[0] == "cats"
    assert made.history(0).num_rows == 0
    again = index(ThresholdedNeurons(3, 1.5), store, tmp_path / "index", progress=False)
    assert again.record == made.record


def test_a_dictionary_gives_the_codes_that_its_source_gives(store, tmp_path):
    sae = Itself(3)
    source = as_code_source(sae)
    assert isinstance(source, DictionaryCodes) and source.kind == "dictionary"
    made = index(sae, store, tmp_path / "index", progress=False)
    for number in range(2):
        expected = source.code(store.sequence(number)).dense()
        assert torch.equal(made.sequence(number).dense(), expected)
    assert made.kind == "dictionary" and made.directions() is None
    assert as_code_source(source) is source
    with pytest.raises(ConfigError, match="expected a dictionary or a CodeSource"):
        as_code_source("topk")


def test_arrays_are_a_source_with_names_and_directions(store, tmp_path):
    directions = torch.eye(3)
    dense = torch.tensor(FIRST)
    codes = {0: dense, 1: SparseCode.from_dense(torch.tensor(SECOND))}
    source = ArrayCodes("by hand", codes, ["red", None, "blue"], directions)
    made = index(source, store, tmp_path / "index", progress=False)
    again = open_index(made.path)
    assert again.record["dictionary"] == "by hand" and again.kind == "arrays"
    assert torch.equal(again.sequence(0).dense(), dense)
    assert again.column("latent_name").to_pylist() == ["red", None, "blue"]
    assert again.columns["latent_name"].role == "name"
    assert torch.equal(again.directions(), directions)
    assert source.fingerprint == ArrayCodes("x", codes, source.latent_names, directions).fingerprint
    assert source.fingerprint != ArrayCodes("x", codes, source.latent_names).fingerprint


def test_arrays_that_do_not_fit_are_refused(store, tmp_path):
    with pytest.raises(ConfigError, match="has no codes"):
        ArrayCodes("none", {})
    with pytest.raises(MismatchError, match=r"widths \[2, 3\]"):
        ArrayCodes("two", {0: torch.zeros(4, 2), 1: torch.zeros(2, 3)})
    with pytest.raises(MismatchError, match="got 1 names for 2 latents"):
        ArrayCodes("names", {0: torch.zeros(4, 2)}, ["one"])
    with pytest.raises(MismatchError, match="no code for it"):
        index(ArrayCodes("one", {0: torch.zeros(4, 2)}), store, tmp_path / "a", progress=False)
    short = ArrayCodes("short", {0: torch.zeros(3, 2), 1: torch.zeros(2, 2)})
    with pytest.raises(MismatchError, match=r"sequence 0 has 4 steps.*a code of 3 steps"):
        index(short, store, tmp_path / "b", progress=False)
    with pytest.raises(DataError, match="holds no rows"):
        index(ThresholdedNeurons(3, 0.0), view(store, []), tmp_path / "c", progress=False)
