"""Checksum marks: no flipped bit is silent in any format, and files of 0.1.0 are read."""

import json
import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save

from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder, unverified
from sparsetime.files.blocks import BLOCK, block_record, check_blocks
from sparsetime.files.checksum import check, signed, unsigned
from sparsetime.files.formats import table_bytes
from sparsetime.files.lines import parse_lines

TABLE = pa.table({"feature": pa.array([1, 2, 3], pa.int32()), "word": ["a", "ü", None]})
VALUE = {"schema_version": 1, "rows": 20, "text": "zwölf :crc32", "nested": {"a": [1.5, None]}}
# How each format is written and read; a format without a row here has no method of Folder.
FORMATS = {
    "a.json": (lambda at, name: at.write_json(name, VALUE), lambda at, name: at.read_json(name)),
    "a.md": (lambda at, name: at.write_text(name, "| a |\n"), lambda at, name: at.read_text(name)),
    "a.html": (
        lambda at, name: at.write_text(name, "<!doctype html>\n<p>"),
        lambda at, name: at.read_text(name),
    ),
    "a.yaml": (lambda at, name: at.write_text(name, "a: 1\n"), lambda at, name: at.read_text(name)),
    "a.safetensors": (
        lambda at, name: at.write_tensors(name, {"x": torch.arange(5.0)}),
        lambda at, name: at.read_tensors(name),
    ),
    "b.safetensors": (
        lambda at, name: at.write_tensors(name, {"x": np.arange(5)}, 1, {"channels": "[1]"}),
        lambda at, name: at.read_tensors(name),
    ),
    "a.parquet": (
        lambda at, name: at.write_bytes(name, table_bytes(TABLE, 1)),
        lambda at, name: at.read_table(name),
    ),
}


@pytest.fixture
def at(tmp_path):
    unverified._noted.clear()
    return Folder(str(tmp_path))


def test_every_write_of_a_folder_is_in_the_list():
    writes = {name for name in vars(Folder) if name.startswith(("write_", "append_"))}
    assert writes - {"write_bytes", "write_lines", "append_lines"} == {
        "write_json",
        "write_text",
        "write_tensors",
    }


@pytest.mark.parametrize("name", FORMATS)
def test_no_flipped_bit_is_silent(at, name, caplog):
    write, read = FORMATS[name]
    write(at, name)
    data = at.read_bytes(name)
    caplog.set_level(logging.WARNING)
    for place in range(len(data)):
        for bit in range(8) if len(data) < 80 else [place % 8]:
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            at.path(name).write_bytes(flipped)
            with pytest.raises(DamagedError, match=name):
                read(at, name)
    assert not caplog.records
    for cut in (len(data) - 4, len(data) - 1):
        at.path(name).write_bytes(data[:cut])
        with pytest.raises(DamagedError, match=name):
            read(at, name)


def test_no_flipped_bit_of_a_log_is_silent(at):
    """A cut last line is no damage; one whose end alone is flipped is."""
    values = [{"step": i, "fvu": 0.5, "word": "ü"} for i in range(3)]
    at.append_lines("log.jsonl", values)
    data = at.read_bytes("log.jsonl")
    assert at.read_lines("log.jsonl").values == values
    for place in range(len(data)):
        for bit in range(8) if place > len(data) - 4 else [place % 8]:
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            lines = parse_lines(bytes(flipped), "log.jsonl", 1)
            assert "log.jsonl: line" in lines.damaged, (place, bit)
            assert all(value in values for value in lines.values)
            assert len(lines.values) >= 1
    for cut in range(len(data) - len(data.splitlines()[2]) - 1, len(data)):
        lines = parse_lines(data[:cut], "log.jsonl", 1)
        assert lines.damaged == ""
        assert lines.values == values[: 2 + (cut == len(data) - 1)]


def test_an_error_says_what_to_do(at):
    at.write_json("a.json", VALUE)
    at.path("a.json").write_text(at.path("a.json").read_text().replace("20", "30"))
    with pytest.raises(DamagedError) as caught:
        at.read_json("a.json", again="Train it again")
    assert str(caught.value) == (
        f"{at.url}/a.json is damaged: its bytes are not those that were written (its checksum "
        "differs). Train it again. If it was edited on purpose, remove the checksum."
    )


def test_an_edited_file_without_its_checksum_is_read(at):
    at.write_json("a.json", VALUE)
    value = json.loads(at.path("a.json").read_text())
    del value["checksum"]
    at.path("a.json").write_text(json.dumps({**value, "rows": 30}))
    assert at.read_json("a.json")["rows"] == 30


def test_a_newer_version_is_named(at):
    for name, write, read in (
        ("a.json", at.write_json, at.read_json),
        (
            "a.safetensors",
            lambda n, v, k: at.write_tensors(n, {"x": torch.ones(1)}, k),
            at.read_tensors,
        ),
    ):
        write(name, {"a": 1}, 3)
        with pytest.raises(
            StoreError, match=rf"{name} was written by a newer .* is 3, .* up to 2\."
        ):
            read(name, 2)
        read(name, 3)
    at.append_lines("log", [{"a": 1}], 2)
    with pytest.raises(StoreError, match=r"line 1 of .*/log was written by a newer sparsetime"):
        at.read_lines("log", 1)


def test_files_without_checksums_are_called_unverified_once(at, caplog):
    at.path().mkdir(exist_ok=True)
    at.path("a.json").write_text('{"a": 1}')
    at.path("b.jsonl").write_text('{"a": 1}\n')
    at.path("c.safetensors").write_bytes(save({"x": torch.ones(2)}))
    pq.write_table(TABLE, at.path("d.parquet"))
    with caplog.at_level(logging.WARNING, "sparsetime"):
        assert at.read_json("a.json") == {"a": 1}
        assert at.read_lines("b.jsonl").values == [{"a": 1}]
        assert at.read_tensors("c.safetensors")["x"].tolist() == [1, 1]
        assert at.read_table("d.parquet").equals(TABLE)
    assert len(caplog.records) == 1
    assert "a.json: sparsetime 0.1.0 wrote none. They are read unverified" in caplog.text
    at.write_json("a.json", at.read_json("a.json"))
    assert check(at.read_bytes("a.json"), "a.json") == 1


def test_text_that_looks_like_a_mark_does_not_replace_the_mark(at):
    """The words of a corpus may be those of this file."""
    words = [unsigned(1), signed(unsigned(2).encode()).decode(), "sparsetime:1:"]
    at.write_json("a.json", {"words": words})
    assert at.read_json("a.json") == {"words": words}
    table = pa.table({"word": words * 50})
    at.write_bytes("a.parquet", table_bytes(table, 1))
    assert at.read_table("a.parquet").equals(table)


def test_blocks_are_checked_where_they_are_read(tmp_path):
    at, data = Folder(str(tmp_path)), bytes(range(256)) * (BLOCK // 100)
    record = block_record(data)
    assert len(record["crc32"]) == 3
    flipped = bytearray(data)
    flipped[BLOCK + 5] ^= 1
    at.write_bytes("x", bytes(flipped))
    check_blocks(at, "x", record, [(0, BLOCK), (2 * BLOCK, len(data))])
    with pytest.raises(DamagedError, match="x is damaged: its bytes from 1,048,576 on are not"):
        check_blocks(at, "x", record, [(BLOCK - 1, BLOCK + 1)])
    with pytest.raises(DamagedError, match="x is damaged"):
        check_blocks(at, "x", record)
    at.write_bytes("x", data[:-1])
    with pytest.raises(DamagedError, match=r"bytes where .* were written\. Copy it again"):
        check_blocks(at, "x", record, (), "Copy it again")
    at.remove("x")
    with pytest.raises(DamagedError, match="x is missing"):
        check_blocks(at, "x", record)
