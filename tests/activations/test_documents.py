from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsetime.activations.capture.as_documents import as_documents
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.step_labels import as_list, step_column
from sparsetime.activations.capture.text_files import read_texts
from sparsetime.errors import ConfigError, DataError


def test_items_are_wrapped_by_what_they_are():
    data = ["a text", [1, 2], np.array([3]), torch.zeros(4, 2), torch.zeros(5), Document("x", "y")]
    made = list(as_documents(data))
    assert [d.id for d in made] == ["0", "1", "2", "3", "4", "x"]
    assert [d.kind for d in made] == ["text", "tokens", "tokens", "values", "values", "text"]
    assert [d.unit for d in made] == ["token", "token", "token", "step", "step", "token"]
    assert made[4].values.shape == (5, 1)
    assert len(made[0]) == 6 and len(made[1]) == 2 and len(made[3]) == 4


def test_arrays_of_documents():
    assert [d.values.shape for d in as_documents(torch.zeros(2, 5, 3))] == [(5, 3), (5, 3)]
    assert [d.tokens.tolist() for d in as_documents(np.array([[1, 2], [3, 4]]))] == [[1, 2], [3, 4]]


def test_labels_and_times_belong_to_their_documents():
    made = list(
        as_documents(["a", Document("x", "b", labels={"k": 1})], [{"k": 2}] * 2, [(0, 1)] * 2)
    )
    assert [d.labels for d in made] == [{"k": 2}, {"k": 2}]
    made = list(as_documents(iter(["a", "b"]), iter([{}, {"s": np.float64(1.5)}]), [(3, 0.5)] * 2))
    assert made[1].labels == {"s": 1.5} and (made[1].start, made[1].step) == (3.0, 0.5)


@given(st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_labels_must_be_as_many_as_documents(count, labels, lazy):
    data = ["text"] * count
    given_labels = [{}] * labels
    call = (iter(data), iter(given_labels)) if lazy else (data, given_labels)
    if count == labels:
        assert len(list(as_documents(*call))) == count
    else:
        with pytest.raises(DataError, match="labels has"):
            list(as_documents(*call))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("one text", "data is a single str; it must be an iterable of documents: put one"),
        (Document("a", "b"), "data is a single Document; it must be an iterable of documents"),
        (torch.zeros(3), r"data is a single array of shape \[3\]"),
        (torch.zeros(3, 2), r"data is an array of shape \[3, 2\], which may be one document or"),
        ([1, 2], "document 0 is a int; a document is a text, tokens"),
        ([b"bytes"], r"document 0 is a bytes; .* Read files with read_texts"),
        ([["a", "b"]], "document 0 is a list that is no array of numbers"),
    ],
)
def test_what_is_no_document_is_explained(data, message):
    with pytest.raises(DataError, match=message):
        list(as_documents(data))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "'a' needs exactly one of text, tokens and values; it has none"),
        ({"text": "x", "tokens": [1]}, "exactly one .*; it has text and tokens"),
        (
            {"tokens": [1.5]},
            r"got float32 \[1\] as the tokens of the document 'a', expected integers \[time\]",
        ),
        (
            {"values": torch.tensor(1.0)},
            r"got float32 \[\] as the values .* numbers \[time, \.\.\.\]",
        ),
        ({"values": "x"}, "values of the document 'a' are not an array of numbers"),
        ({"text": "x", "labels": {"k": [1]}}, "label 'k' of the document 'a' is a list; a label"),
        ({"tokens": [1], "spans": {"k": []}}, "has spans but no text; .* use step_labels for tok"),
        ({"text": "x", "step": 0.0}, "has step=0.0; the time between two steps must be positive"),
    ],
)
def test_documents_that_contradict_themselves(fields, message):
    with pytest.raises(DataError, match=message):
        Document("a", **fields)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([1, 2]), [1, 2]),
        (np.array([True, False]), [True, False]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array(["a", np.nan], dtype=object), ["a", None]),  # as pandas holds a missing text
        (np.array([True, np.nan], dtype=object), [True, None]),
        (np.array([0.5, 2], dtype=np.longdouble), [0.5, 2.0]),
        ([np.int32(1), np.float32(0.5)], [1.0, 0.5]),
        ([np.array("a"), "b"], ["a", "b"]),
        (torch.tensor([1, 2]), [1, 2]),
        (list(torch.tensor([0.5, 1.0])), [0.5, 1.0]),
    ],
)
def test_step_labels_are_arrays_of_any_kind(labels, expected):
    document = Document("a", values=torch.zeros(2, 3), step_labels={"k": labels})
    assert step_column(document, "k", as_list(document.step_labels["k"])).to_pylist() == expected


def test_nan_among_numbers_stays_nan():
    column = step_column(Document("a", tokens=[1, 2]), "k", as_list(np.array([0.5, np.nan])))
    assert not column.null_count and np.isnan(column[1].as_py())


def test_text_files_are_documents_named_by_their_path(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two.txt").write_text("zwei ü", encoding="utf-8")
    (tmp_path / "one.txt").write_text("one")
    (tmp_path / "other.md").write_text("not asked for")
    files = read_texts(tmp_path)
    assert [d.text for d in files] == ["zwei ü", "one"] == [d.text for d in files]
    assert [d.id for d in files] == [str(tmp_path / "b" / "two.txt"), str(tmp_path / "one.txt")]
    assert [d.source for d in read_texts([tmp_path / "one.txt"])] == [str(tmp_path / "one.txt")]
    assert len(files) == 2


def test_a_file_that_is_not_utf8_is_named_refused_or_skipped(tmp_path):
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"abc\xff")
    (tmp_path / "good.txt").write_text("good")
    with pytest.raises(DataError) as caught:
        read_texts(tmp_path)
    assert str(caught.value) == (
        f"{bad} is not UTF-8 text: byte 0xff at offset 3 is not UTF-8. Convert it, or leave such "
        f"files out with on_bad='skip'"
    )
    with pytest.warns(UserWarning, match=r"left out .*bad.txt: byte 0xff at offset 3 is not UTF-8"):
        files = read_texts(tmp_path, on_bad="skip")
    assert [d.text for d in files] == ["good"]
    (tmp_path / "good.txt").write_bytes(b"\xfe")
    with pytest.raises(DataError, match=r"good.txt is no longer UTF-8 text: byte 0xfe at offset 0"):
        list(files)


def test_text_files_that_are_not_there(tmp_path):
    with pytest.raises(DataError, match=r"the text file .*none.txt does not exist"):
        read_texts(tmp_path / "none.txt")
    with pytest.raises(DataError, match=r"no text files were found in "):
        read_texts(tmp_path)
    with pytest.raises(ConfigError, match=r"got on_bad='ignore', expected 'refuse' or 'skip'"):
        read_texts(tmp_path, "ignore")


def test_a_document_never_changes():
    document = Document("a", tokens=[1, 2], labels={"kind": np.int64(3)})
    assert document.tokens.tolist() == [1, 2] and document.labels == {"kind": 3}
    with pytest.raises(FrozenInstanceError):
        document.id = "b"
    assert replace(document, id="b").id == "b"
