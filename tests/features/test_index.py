from __future__ import annotations

import errno

import edited
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from known_codes import Itself, make_store, view

from sparsetime.activations.store.provenance import provenance
from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DamagedError, DataError, MismatchError, StoreError
from sparsetime.features.build_index import index
from sparsetime.features.index import open_index
from sparsetime.features.provenance import measured_on
from sparsetime.files import Folder
from sparsetime.files.blocks import block_record

FIRST = [[1, 0, 0], [3, 2, 0], [0, 2, 0], [5, 0, 0]]
SECOND = [[0, 7, 0], [0, 0, 0]]


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store", [FIRST, SECOND], texts=["The cat sat The", "cats purr"])


@pytest.fixture
def made(store, tmp_path):
    return index(Itself(3, groups=(1, 3)), store, tmp_path / "index", progress=False)


def test_moments_come_strongest_first(made):
    found = made.examples(0)
    assert found.to_pydict() == {
        "sequence": [0, 0, 0], "position": [3, 1, 0], "value": [5.0, 3.0, 1.0],
    }  # fmt: skip
    assert made.examples(0, n=1)["position"].to_pylist() == [3]
    assert made.examples(1)["value"].to_pylist() == [7.0, 2.0, 2.0]
    assert made.examples(1, per_sequence=1)["value"].to_pylist() == [7.0, 2.0]
    assert made.examples(2).num_rows == 0


def test_features_carry_their_statistics(made):
    first, second, silent = made.features.to_pylist()
    assert (first["count"], first["density"], first["mean"], first["max"]) == (3, 0.5, 3, 5)
    assert (first["runs"], first["dwell"], first["documents"]) == (2, 1.5, 1)
    assert first["flicker"] == pytest.approx(2 / 4)
    assert (second["documents"], second["group"], first["group"]) == (2, 1, 0)
    assert first["words"] == ["the", "cat"]
    assert second["words"][0] == "cats"
    assert (silent["count"], silent["density"], silent["documents"]) == (0, 0, 0)
    assert silent["dwell"] is None and silent["half_life"] is None and silent["max"] is None
    # Four steps fall into tenths 0, 2, 5 and 7, two into 0 and 5.
    assert second["position_density"] == [0.5, 0, 1, 0, 0, 0.5, 0, 0, 0, 0]


def test_a_sequence_comes_back_as_its_code(made):
    for number, rows in enumerate((FIRST, SECOND)):
        code = made.sequence(number)
        assert isinstance(code, SparseCode)
        assert code.shape == (len(rows),)
        assert torch.equal(code.dense(), torch.tensor(rows, dtype=torch.float32))


def test_the_index_of_a_view_keeps_the_numbers_of_the_whole_store(tmp_path):
    store = make_store(tmp_path / "s", [[[float(i)]] * 3 for i in range(1, 11)])
    view, _ = store.split(held_out=0.5, seed=3)
    made = index(Itself(1), view, tmp_path / "i", progress=False)
    numbers = view.sequence_indices.tolist()
    assert made.sequences["sequence"].to_pylist() == numbers
    assert made.sequences["id"].to_pylist() == [f"document {i}" for i in numbers]
    assert made.examples(0, n=1)["sequence"].to_pylist() == [max(numbers)]
    assert made.sequence(numbers[-1]).values.tolist() == [numbers[-1] + 1] * 3


def test_a_store_without_text_has_no_words(tmp_path):
    store = make_store(tmp_path / "s", [FIRST, SECOND])
    made = index(Itself(3), store, tmp_path / "i", progress=False)
    assert made.features["words"].to_pylist() == [None] * 3
    assert made.features["word_information"].null_count == 3


def test_a_finished_index_is_opened_and_not_made_again(made, store, tmp_path):
    before = (tmp_path / "index/index.json").stat().st_mtime_ns
    sae = Itself(3, groups=(1, 3))
    again = index(sae, store, tmp_path / "index", progress=False)
    assert (tmp_path / "index/index.json").stat().st_mtime_ns == before
    assert sae.seen == []
    assert again.groups == (1, 3) and again.width == 3
    assert again.features.equals(made.features)


def test_an_index_says_what_its_groups_are_called(store, tmp_path):
    sae = Itself(3, groups=(1, 3), names=("predicted", "novel"))
    assert index(sae, store, tmp_path / "i", progress=False).group_names == ("predicted", "novel")
    assert open_index(tmp_path / "i").group_names == ("predicted", "novel")
    assert index(Itself(3), store, tmp_path / "one", progress=False).group_names is None


def test_an_index_says_what_share_of_its_steps_was_trained_on(store, tmp_path):
    sae = Itself(3)
    sae.provenance = {"trained_on": provenance(view(store, [0]))}
    whole = index(sae, store, tmp_path / "whole", progress=False)
    rest = index(sae, view(store, [1]), tmp_path / "rest", progress=False)
    share = len(view(store, [0])) / len(store)
    assert whole.record["seen_in_training"] == pytest.approx(share)
    assert measured_on(whole, store).endswith("were trained on, so this is no held-out number")
    assert measured_on(rest, view(store, [1])) == "1 sequence; not trained on"


def test_an_index_from_before_groups_had_names_opens(made, tmp_path):
    record = edited.read_json(tmp_path / "index/index.json")
    del record["group_names"]
    edited.write_json(tmp_path / "index/index.json", record)
    assert open_index(tmp_path / "index").group_names == ("high", "low")


def test_an_unfinished_index_is_written_again(made, store, tmp_path):
    (tmp_path / "index/index.json").unlink()
    (tmp_path / "index/examples.parquet").write_bytes(b"half")
    (tmp_path / "index/codes.parquet.1.partial").write_bytes(b"half")
    with pytest.raises(StoreError, match=r"is not a feature index: it has no index.json. An index"):
        open_index(tmp_path / "index")
    again = index(Itself(3, groups=(1, 3)), store, tmp_path / "index", progress=False)
    assert again.examples(0, 1)["value"].to_pylist() == [5.0]
    assert not list((tmp_path / "index").glob("*.partial"))


def test_a_folder_of_another_dictionary_is_refused(made, store, tmp_path):
    other = Itself(3, groups=(1, 3), gain=2.0)
    message = r"index holds the feature index of another dictionary. Choose another folder, or re"
    with pytest.raises(StoreError, match=message):
        index(other, store, tmp_path / "index", progress=False)
    assert index(other, store, tmp_path / "index", force=True, progress=False).width == 3


def test_a_folder_of_another_store_is_refused(made, tmp_path):
    other = make_store(tmp_path / "other", [SECOND])
    with pytest.raises(StoreError, match="the feature index of another store"):
        index(Itself(3, groups=(1, 3)), other, tmp_path / "index", progress=False)


def test_a_folder_of_anything_else_is_refused(store, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/thesis.tex").write_text("…")
    message = r"full is not empty and holds no feature index: it has thesis.tex. Choose another"
    with pytest.raises(StoreError, match=message):
        index(Itself(3), store, tmp_path / "full", progress=False)
    index(Itself(3), store, tmp_path / "full", force=True, progress=False)
    assert (tmp_path / "full/thesis.tex").exists()


def test_a_full_disk_leaves_no_index(store, tmp_path, monkeypatch):
    whole = Folder.write_bytes

    def full(self, name, data):
        if name == "codes.parquet":
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(self, name, data)

    monkeypatch.setattr(Folder, "write_bytes", full)
    message = r"the disk is full: codes.parquet needs [\d,]+ bytes in .*index. Free some space"
    with pytest.raises(StoreError, match=message):
        index(Itself(3), store, tmp_path / "index", progress=False)
    assert not (tmp_path / "index/index.json").exists()
    monkeypatch.setattr(Folder, "write_bytes", whole)
    assert index(Itself(3), store, tmp_path / "index", progress=False).width == 3


def test_a_store_of_another_width_or_model_or_site_is_refused(store, tmp_path):
    message = "the dictionary reads activations of width 4, the source gives width 3"
    with pytest.raises(MismatchError, match=message):
        index(Itself(4), store, tmp_path / "index")
    sae = Itself(3)
    sae.provenance = {"model_name": "first", "model_hash": "b" * 64}
    message = "made for a model with hash bbbb.*, the source was captured from made with hash aaaa"
    with pytest.raises(MismatchError, match=message):
        index(sae, store, tmp_path / "index")
    sae.provenance = {"model_hash": "a" * 64, "site": "layer.2"}
    message = "trained at the site 'layer.2'; the store was captured at 'layer'. Open the store"
    with pytest.raises(MismatchError, match=message):
        index(sae, store, tmp_path / "index")
    assert not (tmp_path / "index").exists()
    sae.provenance = {"model_hash": "a" * 64, "site": "layer:output"}
    index(sae, store, tmp_path / "index", progress=False)


def test_an_empty_store_is_refused(store, tmp_path):
    with pytest.raises(DataError, match="the store holds no rows, so there is nothing to encode"):
        index(Itself(3), view(store, []), tmp_path / "index")


def test_what_is_not_in_the_index_is_said(made):
    with pytest.raises(ConfigError, match="feature 3 does not exist: the dictionary has the featu"):
        made.examples(3)
    with pytest.raises(
        DataError, match=r"sequence 5 is not in the index .* 2 sequences, numbers 0"
    ):
        made.sequence(5)


def test_damage_is_named(made, tmp_path):
    folder = tmp_path / "index"
    record = edited.read_json(folder / "index.json")

    def broken(message, error=DamagedError):
        with pytest.raises(error, match=message):
            open_index(folder)

    whole = (folder / "examples.parquet").read_bytes()
    (folder / "examples.parquet").write_bytes(whole[:-9])
    broken(rf"examples.parquet has {len(whole) - 9:,} bytes where {len(whole):,} were written")
    (folder / "examples.parquet").write_bytes(b"x" * len(whole))
    broken(
        "examples.parquet is damaged: its bytes from 0 on .* Make it again with sparsetime.index"
    )
    files = record["files"]
    edited.write_json(
        folder / "index.json",
        record | {"files": files | {"examples.parquet": {"bytes": len(whole)}}},
    )
    broken("examples.parquet is not a Parquet file: .* Make it again with sparsetime.index")
    (folder / "examples.parquet").unlink()
    broken("examples.parquet is missing. Make it again")
    pq.write_table(pa.table({"feature": [1]}), folder / "examples.parquet")
    files["examples.parquet"] = block_record((folder / "examples.parquet").read_bytes())
    edited.write_json(folder / "index.json", record)
    broken("examples.parquet lacks columns of an index: feature, sequence, position, value")
    edited.write_json(folder / "index.json", record | {"schema_version": 9})
    broken("has the index schema 9; this sparsetime reads up to 2", StoreError)
    (folder / "index.json").write_text("{}")
    broken("index.json is not the record of a feature index")
    (folder / "index.json").write_text("{")
    broken("index.json is not valid JSON")


def test_a_record_without_its_subject_is_damaged(made, store, tmp_path):
    (tmp_path / "index/index.json").write_text("{}")
    with pytest.raises(DamagedError, match="does not say what it was made from"):
        index(Itself(3), store, tmp_path / "index", progress=False)


def test_there_is_no_index_in_no_folder(tmp_path):
    with pytest.raises(StoreError, match="is not a feature index: it does not exist"):
        open_index(tmp_path / "nowhere")


def test_an_index_behind_a_url(store):
    made = index(Itself(3), store, "memory://an/index", force=True, progress=False)
    again = open_index("memory://an/index")
    assert again.examples(0, 1)["value"].to_pylist() == [5.0]
    assert again.sequence(1).rows == 2
    made.close()


def test_the_tables_are_written_under_a_bar(store, tmp_path, capsys):
    index(Itself(3), store, tmp_path / "loud")
    assert "write the index: 4 of 4 tables" in capsys.readouterr().err
    index(Itself(3), store, tmp_path / "silent", progress=False)
    assert capsys.readouterr().err == ""


def test_another_choice_of_sequences_is_another_index(store, tmp_path):
    index(Itself(3), view(store, [0]), tmp_path / "index", progress=False)
    with pytest.raises(StoreError, match=r"feature index of another choice of sequences. Choose"):
        index(Itself(3), store, tmp_path / "index", progress=False)


def test_rows_of_neighbouring_sequences_are_encoded_together(tmp_path):
    rng = np.random.default_rng(0)
    sequences = [rng.random((n, 2)) for n in (1500, 1500, 10)]
    store = make_store(tmp_path / "s", sequences)
    sae = Itself(2)
    made = index(sae, store, tmp_path / "a", progress=False)
    assert sae.seen == [(2048, 2), (952, 2), (10, 2)]
    assert made.sequence(1).rows == 1500


def test_an_index_built_by_ranges_of_latents_is_that_of_all_at_once(tmp_path, monkeypatch):
    """Every table, whatever the range: statistics, information above chance, order of examples."""
    from sparsetime.features import build_tables

    rng = np.random.default_rng(0)
    rows = [np.where(rng.random((n, 9)) < 0.3, rng.integers(1, 4, (n, 9)), 0) for n in (40, 25)]
    texts = [" ".join(rng.choice(["cat", "dog", "sat"], n)) for n in (40, 25)]
    store = make_store(tmp_path / "store", rows, texts=texts)
    whole = index(Itself(9, groups=(4, 9)), store, tmp_path / "whole", progress=False)
    monkeypatch.setattr(build_tables, "_ENTRIES_AT_ONCE", 30)
    parts = index(Itself(9, groups=(4, 9)), store, tmp_path / "parts", progress=False)
    assert parts.features.equals(whole.features)
    assert parts.activations.equals(whole.activations)
    for name in ("features.parquet", "examples.parquet", "codes.parquet"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
