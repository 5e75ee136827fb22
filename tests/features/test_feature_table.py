"""Feature tables: columns that anyone adds to an index, with a definition of each."""

from __future__ import annotations

import json
from pathlib import Path

import edited
import numpy as np
import pyarrow as pa
import pytest
from known_codes import Itself, make_store

from sparsetime.errors import ConfigError, DamagedError, MismatchError, StoreError, UnknownNameError
from sparsetime.features.build_index import index
from sparsetime.features.column_definition import ColumnDefinition
from sparsetime.features.index import open_index

SCORE = ColumnDefinition("score", "float64", "agreement of two raters", "share", "survey")
TITLE = ColumnDefinition("title", "string", "the raters' name", role="name")
COLUMNS = {"feature": [2, 0, 1], "score": [0.25, 0.5, None], "title": ["two", "zero", None]}


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "store", [[[1, 0, 0], [3, 2, 0]], [[0, 7, 0]]])


@pytest.fixture
def made(store, tmp_path):
    return index(Itself(3), store, tmp_path / "index", progress=False)


def test_a_table_is_kept_beside_the_index_in_the_order_of_the_features(made):
    made.add_table("raters", COLUMNS, [SCORE, TITLE])
    for seen in (made, open_index(made.path)):
        assert seen.column("score").to_pylist() == [0.5, None, 0.25]
        assert seen.column("title").to_pylist() == ["zero", None, "two"]
        assert seen.tables["raters"].table["feature"].to_pylist() == [0, 1, 2]
        assert seen.columns["score"] == SCORE and seen.columns["title"] == TITLE
    record = json.loads(Path(made.path, "tables/raters.json").read_text())
    assert record["schema_version"] == 1 and len(record["sha256"]) == 64
    assert record["columns"][0] == {
        "name": "score", "dtype": "float64", "definition": "agreement of two raters",
        "unit": "share", "source": "survey", "role": "value",
    }  # fmt: skip


def test_every_column_of_the_index_is_defined_and_found(made):
    assert list(made.columns) == made.features.column_names
    for name, column in made.columns.items():
        assert made.column(name).type == column.arrow_type
        assert column.definition and column.source
    record = json.loads(Path(made.path, "index.json").read_text())
    assert [column["name"] for column in record["columns"]] == made.features.column_names
    assert all(len(file["crc32"]) == 1 for file in record["files"].values())
    with pytest.raises(UnknownNameError, match="densty"):
        made.column("densty")


def test_a_table_may_come_from_numpy_and_arrow_and_is_replaced_by_its_name(made):
    made.add_table("one", {"feature": np.arange(3), "score": np.array([1, np.nan, 3])}, [SCORE])
    assert made.column("score").to_pylist() == [1, None, 3]
    made.add_table("one", pa.table({"feature": [0, 1, 2], "score": [4, 5, 6]}), [SCORE])
    assert open_index(made.path).column("score").to_pylist() == [4, 5, 6]


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ([0, 1], "2 rows; the index has the features 0 to 2, of which 1 are missing"),
        ([0, 1, 1], "1 are missing and 1 occur more than once"),
        ([0, 1, 3], "1 are missing"),
        ([0, 1, 2, 3], "4 rows"),
    ],
)
def test_other_features_are_refused(made, features, said):
    with pytest.raises(MismatchError, match=said):
        made.add_table("x", {"feature": features, "score": [0.0] * len(features)}, [SCORE])
    assert made.tables == {}


def test_columns_that_do_not_fit_are_refused(made):
    keys = {"feature": [0, 1, 2]}
    with pytest.raises(MismatchError, match="add the column 'feature'"):
        made.add_table("x", {"score": [1, 2, 3]}, [SCORE])
    with pytest.raises(MismatchError, match="define every column once"):
        made.add_table("x", {**keys, "score": [1, 2, 3]}, [TITLE])
    with pytest.raises(MismatchError, match="has 2 rows, expected 3"):
        made.add_table("x", {**keys, "score": [1, 2]}, [SCORE])
    with pytest.raises(MismatchError, match="'score' of table 'x' is not float64"):
        made.add_table("x", {**keys, "score": ["a", "b", "c"]}, [SCORE])
    density = ColumnDefinition("density", "float64", "another one")
    with pytest.raises(MismatchError, match="has the columns density already"):
        made.add_table("x", {**keys, "density": [1, 2, 3]}, [density])
    made.add_table("one", {**keys, "score": [1, 2, 3]}, [SCORE])
    with pytest.raises(MismatchError, match="has the columns score already"):
        made.add_table("other", {**keys, "score": [1, 2, 3]}, [SCORE])
    with pytest.raises(ConfigError, match="becomes a file name"):
        made.add_table("../x", {**keys, "score": [1, 2, 3]}, [SCORE])


def test_definitions_that_say_too_little_are_refused():
    with pytest.raises(ConfigError, match="expected one of int32"):
        ColumnDefinition("x", "double", "a number")
    with pytest.raises(ConfigError, match="needs a name and a definition"):
        ColumnDefinition("x", "int32", " ")
    with pytest.raises(ConfigError, match="may hold no ':'"):
        ColumnDefinition("x:y", "int32", "a number")
    with pytest.raises(ConfigError, match="'name' or 'explanation' for a column of strings"):
        ColumnDefinition("x", "int32", "a number", role="name")


def test_a_changed_table_is_named(made):
    made.add_table("raters", COLUMNS, [SCORE, TITLE])
    path = Path(made.path, "tables/raters.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    with pytest.raises(DamagedError, match=r"raters\.parquet has another SHA-256"):
        _ = open_index(made.path).tables
    path.unlink()
    with pytest.raises(DamagedError, match=r"raters\.parquet is missing"):
        _ = open_index(made.path).tables
    record = Path(made.path, "tables/raters.json")
    edited.write_json(record, {**edited.read_json(record), "schema_version": 9})
    with pytest.raises(StoreError, match="schema 9"):
        _ = open_index(made.path).tables
    record.write_text("[]")
    with pytest.raises(DamagedError, match="add the table again"):
        _ = open_index(made.path).tables


def test_a_table_stays_when_the_same_index_is_made_again_but_not_for_other_weights(
    made, store, tmp_path
):
    made.add_table("raters", COLUMNS, [SCORE, TITLE])
    again = index(Itself(3), store, tmp_path / "index", progress=False)
    assert "raters" in again.tables
    forced = index(Itself(3), store, tmp_path / "index", force=True, progress=False)
    assert "raters" in forced.tables
    other = index(Itself(3, gain=2.0), store, tmp_path / "index", force=True, progress=False)
    assert other.tables == {}
