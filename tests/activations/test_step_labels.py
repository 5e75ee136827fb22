"""The label of every step of a stored sequence, wherever the store keeps it."""

from __future__ import annotations

from known_codes import make_store

from sparsetime.activations.store.stored_sequence import labels_of_steps


def test_a_step_column_comes_before_a_sequence_label_and_the_id_is_the_document(tmp_path):
    labels = [{"author": "Ada", "kind": "whole"}, {}]
    steps = {"kind": [["noun", None], ["verb"]]}
    store = make_store(tmp_path / "store", [[[1.0], [2.0]], [[3.0]]], labels=labels, steps=steps)
    first, second = store.sequence(0), store.sequence(1)
    assert labels_of_steps(first, "kind") == ["noun", None]
    assert labels_of_steps(first, "author") == ["Ada", "Ada"]
    assert labels_of_steps(first, "document") == [first.id, first.id]
    assert labels_of_steps(second, "author") is None


def test_a_label_named_document_is_taken_as_it_is(tmp_path):
    store = make_store(tmp_path / "store", [[[1.0]]], labels=[{"document": 7}])
    assert labels_of_steps(store.sequence(0), "document") == [7]
