"""Bad input: refused before any long work, by name, with nothing half-written."""

import errno
import os

import pytest
import torch
from toy_models import Blocks, bert, bert_folder

import sparsetime as st
from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.tokenize import DocumentPreparer
from sparsetime.errors import (
    ConfigError,
    DamagedError,
    DataError,
    MismatchError,
    StoreError,
    UnknownNameError,
)
from sparsetime.models.load import LoadedModel

SITE = "encoder.layer.0"
X = torch.randn(3, 6, 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(bert_folder(tmp_path_factory.mktemp("model") / "bert"))


def refused(error, message, model, data, site, out, **options):
    with pytest.raises(error, match=message):
        st.capture(model, data, site, out, progress=False, **options)
    assert not out.exists()


def test_settings_that_cannot_be(folder, tmp_path):
    out = tmp_path / "s"
    for options, error, message in [
        ({"window": 30}, ConfigError, "window=30 is longer than the model .* allows: at most 24"),
        ({"window": 8, "overlap": 6}, ConfigError, "overlap=6 and 2 special tokens leaves no room"),
        ({"overlap": -1}, ConfigError, "overlap=-1 must not be negative"),
        ({"overlap": 2}, ConfigError, "overlap=2 needs a window: without one, documents are not"),
        ({"batch": 0}, ConfigError, "batch=0 must be at least 1"),
        ({"shard_rows": 0}, ConfigError, "shard_rows=0 must be at least 1"),
        ({"dtype": "int8"}, ConfigError, "got dtype='int8', expected 'auto' .* float16, bfloat16"),
        ({"labels": [{}]}, DataError, "labels has 1 entries for 2 documents; give one for each"),
        ({"times": [(0, 1)] * 3}, DataError, "times has 3 entries for 2 documents"),
    ]:
        refused(error, message, folder, ["time", "runs"], SITE, out, **options)


def test_sites_that_cannot_be(folder, tmp_path):
    out = tmp_path / "s"
    message = "unknown site 'encoder.layer.9': did you mean 'encoder.layer.2'"
    refused(UnknownNameError, message, folder, ["time"], "encoder.layer.9", out)
    message = "got sites=.*, expected at least one site, each named once"
    refused(ConfigError, message, folder, ["time"], [SITE, SITE], out)
    refused(ConfigError, message, folder, ["time"], [], out)
    message = "got time_axis=0 for the site 'lstm', whose axis 1 of 3 follows the length of the inp"
    refused(MismatchError, message, Blocks(), X, "lstm", out, time_axis=0)
    message = r"got time_axis=3 for the site 'conv', whose axis 2 of 3 follows the length of the"
    refused(MismatchError, message, Blocks(), X[:, :5], "conv", out, time_axis=3)


def test_data_that_cannot_be(folder, tmp_path):
    out = tmp_path / "s"
    for data, error, message in [
        ([], DataError, "the data is empty: it has no documents"),
        (["", " "], DataError, "the data is empty: none of its 2 documents has a step"),
        ("text", DataError, "data is a single str"),
        (["time", [1, 2]], MismatchError, "the document '1' is tokens, those before it are text"),
        ([[5, 11]], DataError, "token 11 at position 1 of the document '0' is out of range: .*10"),
        (
            [torch.zeros(4, 0)],
            DataError,
            r"got float32 \[4, 0\] as the values of the document '0', ",
        ),
        ([[5], [-1]], DataError, "token -1 at position 0 of the document '1' is out of range"),
    ]:
        refused(error, message, folder, data, SITE, out)
    ragged = [torch.zeros(4, 3), torch.zeros(4, 2)]
    message = "the document '1' has 2 features, those before it have 3 features; all documents"
    refused(MismatchError, message, Blocks(), ragged, "enter", out)
    message = r"the model 'Blocks' cannot run on values of shape \[1, 4, 2\] \(document '0'\)"
    refused(DataError, message, Blocks(), [torch.zeros(4, 2)], "enter", out)
    named = st.Document("walk", values=torch.zeros(4, 2), recording=st.Recording(channels="xy"))
    message = r"on values of shape \[1, 4, 2\] \(document 'walk' with 2 channels: x, y\)"
    refused(DataError, message, Blocks(), [named], "enter", out)


def test_texts_need_a_fast_tokenizer(tmp_path):
    out = tmp_path / "s"
    message = "the data is text, and the model 'BertModel' came without a tokenizer; give"
    refused(DataError, message, bert(), ["time"], SITE, out)

    class Slow:
        is_fast = False
        unk_token_id = mask_token_id = None
        all_special_ids = ()

    message = "the tokenizer Slow cannot say where its tokens stand in the text; use a fast"
    with pytest.raises(DataError, match=message):
        DocumentPreparer(LoadedModel(bert(), Slow(), "bert", "")).check(Document("a", text="time"))


def test_labels_that_cannot_be(folder, tmp_path):
    out = tmp_path / "s"
    first = Document("a", text="time", spans={"part": []})
    for documents, message in [
        ([Document("a", text="time", spans={"x": [(0, 9, 1)]})], "the span 0 to 9 of 'x' is not"),
        ([Document("a", text="time", step_labels={"x": [1, 2]})], "'x' .* has 2 values for 1 step"),
        ([Document("a", text="time", step_labels={"token": [1]})], "'token' .* has the name of a"),
        ([Document("a", text="time", step_labels={"x": [[1]]})], "'x' .* holds list<"),
        ([Document("a", text="time on", step_labels={"x": [1, "b"]})], "'x' .* mixes types"),
    ]:
        refused(DataError, message, folder, documents, SITE, out)
    other = Document("b", text="runs", step_labels={"kind": ["verb"]})
    message = "the document 'b' has the step label 'kind', which the first document lacks; name it"
    refused(MismatchError, message, folder, [first, other], SITE, out)
    other = Document("b", text="runs", spans={"part": [(0, 4, 7)]})
    message = "the step label 'part' is int64 in the document 'b' and text in the first; use one"
    refused(MismatchError, message, folder, [first, other], SITE, out)


class Bad(torch.nn.Module):
    def forward(self, x):
        return torch.where(x == 7, torch.inf, x)


def test_activations_that_are_not_finite_are_named(tmp_path):
    x = torch.zeros(3, 6, 2)
    x[2, 4, 1] = 7
    with pytest.raises(DataError) as caught:
        st.capture(Bad(), x, ".", tmp_path / "s", window=3, shard_rows=9, progress=False)
    assert str(caught.value) == (
        "the activations of '.' are not finite: inf in sequence 2 (document '2') at position 4. "
        "Look at this document, and at the model's dtype"
    )
    # What was finished before stays, whole: one shard of nine rows.
    store = st.open_store(tmp_path / "s")
    store.verify()
    assert len(store) == 9
    large = torch.full((1, 2, 2), 1e6)
    with pytest.raises(DataError, match=r"position 0. float16 ends at 65504: store them as bfloat"):
        st.capture(Bad(), large, ".", tmp_path / "t", dtype="float16", progress=False)


def test_large_but_finite_values_pass(tmp_path):
    large = torch.full((1, 40, 2), 3e38)
    assert len(st.capture(Bad(), large, ".", tmp_path / "s", progress=False)) == 40


def test_a_folder_that_holds_something_else(folder, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(
        StoreError, match=r"is not empty and holds no activation store: it has notes.txt"
    ):
        st.capture(folder, ["time"], SITE, tmp_path, progress=False)
    out = tmp_path / "s"
    st.capture(folder, ["time", "runs"], SITE, out, progress=False)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    for data, options, message in [
        (["time", "runs"], {"window": 9}, "holds another capture: capture.window is None there"),
        (["time", "on"], {}, "was captured from other data: its shard 000000 holds other docum"),
        (["time"], {}, "was captured from other data: its shard 000000 holds other documents"),
    ]:
        with pytest.raises(StoreError, match=message):
            st.capture(folder, data, SITE, out, progress=False, **options)
    with pytest.raises(StoreError, match="holds a store, so it cannot also hold a folder for each"):
        st.capture(folder, ["time"], [SITE], out, progress=False)
    assert before == {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert len(st.capture(folder, ["time"], SITE, out, force=True, progress=False)) == 1


def test_data_that_ends_before_or_behind_a_finished_store(tmp_path):
    out = tmp_path / "s"
    st.capture(Blocks(), X, "enter", out, shard_rows=6, progress=False)
    with pytest.raises(StoreError, match="other data: the data given now ends before it does"):
        st.capture(Blocks(), X[:2], "enter", out, shard_rows=6, progress=False)
    with pytest.raises(StoreError, match=r"it is finished, and the data given now is longer. Give"):
        st.capture(Blocks(), torch.cat([X, X]), "enter", out, shard_rows=6, progress=False)


def test_a_full_disk(tmp_path, monkeypatch):
    from sparsetime.files import Folder

    write = Folder.write_bytes

    def full(self, name, data):
        if name.startswith("shards/000001"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, name, data)

    monkeypatch.setattr(Folder, "write_bytes", full)
    with pytest.raises(StoreError, match="the disk is full: shard 000001 needs"):
        st.capture(Blocks(), X, "enter", tmp_path / "s", shard_rows=6, progress=False)
    monkeypatch.undo()
    assert len(st.open_store(tmp_path / "s")) == 6
    assert not list((tmp_path / "s").rglob("*.partial"))
    store = st.capture(Blocks(), X, "enter", tmp_path / "s", shard_rows=6, progress=False)
    assert len(store) == 18


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_folder_is_checked_before_any_is_written(tmp_path):
    out = tmp_path / "s"
    st.capture(Blocks(), X, "lstm", out / "lstm", shard_rows=9, progress=False)
    before = contents(tmp_path)
    with pytest.raises(StoreError, match=r"capture.shard_rows is 9 there and 6 here"):
        st.capture(Blocks(), X, ["enter", "lstm"], out, shard_rows=6, progress=False)
    assert contents(tmp_path) == before
    assert [p.name for p in out.iterdir()] == ["lstm"]


class HalfBad(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.good, self.bad = torch.nn.Identity(), Bad()

    def forward(self, x):
        return self.bad(self.good(x))


def test_what_fails_before_its_first_shard_leaves_nothing(tmp_path, monkeypatch):
    from sparsetime.files import Folder

    out = tmp_path / "s"
    refused(
        DataError, "inf in sequence 0", HalfBad(), torch.full((1, 3, 2), 7.0), ["good", "bad"], out
    )
    st.capture(Blocks(), X, "enter", out, progress=False)
    before = contents(out)
    bad = torch.full((1, 3, 2), 7.0)
    with pytest.raises(DataError, match="inf in sequence 0"):
        st.capture(Bad(), bad, ".", out, force=True, progress=False)
    assert contents(out) == before
    write = Folder.write_bytes

    def full(self, name, data):
        if name.endswith(".parquet"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, name, data)

    monkeypatch.setattr(Folder, "write_bytes", full)
    refused(StoreError, "the disk is full: shard 000000", Blocks(), X, "enter", tmp_path / "t")


@pytest.mark.parametrize("name", ["000000.parquet", "000000.sequences.parquet", "000001.parquet"])
def test_a_damaged_table_is_named_when_a_capture_is_repeated(name, tmp_path, monkeypatch):
    out = tmp_path / "s"
    st.capture(Blocks(), X, "enter", out, shard_rows=9, progress=False)
    path = out / "shards" / name
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(DamagedError, match=rf"shards/{name} is damaged: its bytes are not the"):
        st.capture(Blocks(), X, "enter", out, shard_rows=9, progress=False)


def test_documents_of_several_units(tmp_path):
    values = torch.zeros(4, 3)
    first = Document("a", values=values, unit="second")
    message = (
        "the document 'b' counts its time in the unit 'frame', the first one, 'a', in 'second'; "
        "all documents of a capture have the same"
    )
    for data in ([first, Document("b", values=values, unit="frame")],):
        refused(MismatchError, message, Blocks(), data, "enter", tmp_path / "s")
        refused(MismatchError, message, Blocks(), iter(data), "enter", tmp_path / "s")


def test_a_folder_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="got out=None, expected the path or URL of a folder"):
        st.capture(Blocks(), X, "enter", None, progress=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("times", [(float("nan"), 1), (0, float("inf")), (float("-inf"), 1)])
def test_times_that_are_not_finite(times, tmp_path):
    message = "the document '0' has (start|step)=-?(nan|inf); times must be finite"
    refused(DataError, message, Blocks(), X[:1], "enter", tmp_path / "s", times=[times])
