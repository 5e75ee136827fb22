"""Rows of data sets become documents by the names of their columns."""

import numpy as np
import pytest
import torch

import sparsetime as st
from sparsetime.activations import dataset_documents
from sparsetime.errors import ConfigError, DataError

ROWS = [
    {"content": [[1.0], [2.0]], "topic": "a", "name": "x", "more": {"nested": 1}},
    {"content": [[3.0], [4.0], [5.0]], "topic": "b", "name": "y", "more": None},
]


class Streamed:
    """An iterable that gives its rows again each time, and is no list, as a stream is."""

    column_names = None

    def __iter__(self):
        return (dict(row) for row in ROWS)


@pytest.mark.parametrize("data", [ROWS, Streamed()], ids=["list", "stream"])
def test_columns_are_named(data, tmp_path):
    rows = dataset_documents(data, values="content", id="name", labels=["topic"])
    store = st.capture(torch.nn.Linear(1, 4), rows, ".", tmp_path / "s", progress=False)
    assert store.sequences["id"].to_pylist() == ["x", "y"]
    assert [store.sequence(n).labels for n in range(2)] == [{"topic": "a"}, {"topic": "b"}]
    assert [len(store.sequence(n)) for n in range(2)] == [2, 3]
    again = st.capture(torch.nn.Linear(1, 4), rows, ".", tmp_path / "t", progress=False)
    assert len(again) == 5, "it can be read again"


def test_sound_has_its_rate():
    row = {"audio": {"array": np.zeros(8), "sampling_rate": 16000, "path": "x.wav"}}
    (document,) = dataset_documents([row], values="audio")
    assert document.id == "0" and document.recording.rate == 16000 and document.unit == "second"
    (texts,) = dataset_documents([{"body": "words"}], text="body")
    assert texts.text == "words"
    (tokens,) = dataset_documents([{"ids": [1, 2]}], tokens="ids")
    assert tokens.tokens.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("rows", "columns", "kind", "message"),
    [
        (ROWS, {}, ConfigError, "got no column of contents"),
        (ROWS, {"text": "a", "values": "b"}, ConfigError, "got text and values"),
        (ROWS, {"values": "content", "labels": "topic"}, ConfigError, r"labels=\['topic'\]"),
        (ROWS, {"values": "contents"}, DataError, "row 0 .* lacks 'contents'"),
        (ROWS, {"values": "content", "labels": ["tpic"]}, DataError, "lacks 'tpic'"),
        (
            [{"text": None}],
            {"text": "text"},
            DataError,
            "row 0 .* has nothing in the column 'text'",
        ),
        (["words"], {"text": "text"}, DataError, "row 0 of the data set is a str"),
    ],
)
def test_what_is_refused(rows, columns, kind, message):
    with pytest.raises(kind, match=message):
        list(dataset_documents(rows, **columns))
