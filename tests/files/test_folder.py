"""Folders: whole files or none, on disk and behind URLs."""

import errno
import os
import uuid

import fsspec
import numpy as np
import pyarrow as pa
import pytest
import torch

from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder, Lines
from sparsetime.files.formats import line_bytes, table_bytes, tables_bytes


@pytest.fixture(params=["path", "file", "memory"])
def folder(request, tmp_path):
    urls = {
        "path": str(tmp_path / "x"),
        "file": f"file://{tmp_path}/x",
        "memory": f"memory://{uuid.uuid4().hex}/x",
    }
    return Folder(urls[request.param])


def test_what_is_written_is_read(folder):
    assert not folder.exists()
    assert folder.names() == []
    folder.write_json("a.json", {"k": [1, "ü"]})
    folder.write_bytes("deep/b.txt", b"text")
    assert folder.read_json("a.json") == {"k": [1, "ü"]}
    assert (folder / "deep").read_bytes("b.txt") == b"text"
    assert folder.names() == ["a.json", "deep"]
    assert folder.size("deep/b.txt") == 4
    folder.write_bytes("deep/b.txt", b"other")
    assert folder.read_bytes("deep/b.txt") == b"other"
    folder.remove("deep")
    assert folder.names() == ["a.json"]


def test_lines_are_appended(folder):
    folder.append_lines("log", [{"n": 1}, {"n": 2}])
    folder.append_lines("log", [{"n": 3}])
    assert folder.read_lines("log").values == [{"n": 1}, {"n": 2}, {"n": 3}]
    folder.write_lines("log", [{"n": 4}])
    assert folder.read_lines("log").values == [{"n": 4}], "a log is written again as a whole"
    folder.append_lines("log", [{"n": 5}])
    assert folder.read_lines("log").values == [{"n": 4}, {"n": 5}]


def test_a_line_of_a_remote_log_is_one_put_of_its_own(monkeypatch, tmp_path):
    """Rewriting the log at each line would move a quadratic number of bytes."""
    folder = Folder(f"memory://{uuid.uuid4().hex}/x")
    put, real = [], Folder.write_bytes

    def counting(self, name, data):
        put.append(len(data))
        real(self, name, data)

    monkeypatch.setattr(Folder, "write_bytes", counting)
    for n in range(20):
        folder.append_lines("log.jsonl", [{"n": n}])
    assert len(put) == 20 and max(put) < 100
    assert [line["n"] for line in folder.read_lines("log.jsonl").values] == list(range(20))
    copied = Folder(str(tmp_path / "x"))
    for name in (folder / "log.jsonl.pieces").names():
        copied.write_bytes(
            f"log.jsonl.pieces/{name}", folder.read_bytes(f"log.jsonl.pieces/{name}")
        )
    copied.append_lines("log.jsonl", [{"n": 20}])
    assert [line["n"] for line in copied.read_lines("log.jsonl").values] == list(range(21))
    assert copied.names() == ["log.jsonl"], "a local log is one file"


def test_a_crash_between_the_pieces_of_two_logs_leaves_one_of_them(monkeypatch):
    folder = Folder(f"memory://{uuid.uuid4().hex}/x")
    folder.append_lines("log", [{"n": 1}])
    folder.append_lines("log", [{"n": 2}])
    monkeypatch.setattr(Folder, "remove", lambda self, name="": None)  # killed before it removes
    folder.write_lines("log", [{"n": 3}])
    assert folder.read_lines("log").values == [{"n": 3}]


class Unplugged(BaseException):
    pass


@pytest.mark.parametrize("scheme", ["memory", "plain"])
def test_a_killed_write_of_a_remote_folder_leaves_nothing(monkeypatch, scheme):
    """memory has atomic puts; the other store has none, so that writes go aside first."""
    from fsspec.implementations.memory import MemoryFileSystem

    class PlainFileSystem(MemoryFileSystem):
        protocol = "plain"
        store, pseudo_dirs = {}, [""]

        def pipe_file(self, path, value, **_):
            super().pipe_file(path, value[: len(value) // 2])  # visible while it is written
            if broken:
                raise Unplugged
            super().pipe_file(path, value)

    fsspec.register_implementation("plain", PlainFileSystem, clobber=True)
    broken = False
    folder = Folder(f"{scheme}://{uuid.uuid4().hex}/x")
    folder.write_bytes("a", b"before")
    broken = True
    if scheme == "memory":
        monkeypatch.setattr(MemoryFileSystem, "pipe_file", _raise)
    with pytest.raises(Unplugged):
        folder.write_bytes("a", b"after it all")
    assert folder.read_bytes("a") == b"before"
    with pytest.raises(Unplugged):
        folder.write_bytes("new", b"after it all")
    assert folder.names() == ["a"]


def _raise(*_, **__):
    raise Unplugged


def test_lines_follow_a_half_line_that_a_crash_left(folder):
    whole = line_bytes({"n": 1}, 1) + b"\n" + line_bytes({"n": 2}, 1)
    folder.write_bytes("log", whole[:-9])
    assert folder.read_lines("log") == Lines([{"n": 1}], "", True)
    folder.append_lines("log", [{"n": 3}])
    lines = folder.read_lines("log")
    assert lines.values == [{"n": 1}, {"n": 3}]
    assert "line 2 is damaged or cut off, and left out; the others are read" in lines.damaged


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.yaml"])
def test_text_comes_back_without_its_comment(folder, name):
    for text in ("", "one\ntwo ü\n", "<!doctype html>\n<p>x</p>"):
        folder.write_text(name, text)
        assert folder.read_text(name) == text
        assert b"sparsetime:1:" in folder.read_bytes(name).split(b"\n")[text.startswith("<!doc")]


def test_tensors_and_tables_come_back(folder):
    table = pa.table({"a": [1, 2, None], "b": ["x", "y", "ü"]})
    folder.write_bytes("t.parquet", table_bytes(table, 3))
    assert folder.read_table("t.parquet", newest=3).equals(table)
    assert table_bytes(table, 3) == table_bytes(table, 3)
    sha256 = folder.write_tensors("x.safetensors", {"a": torch.ones(2, 3).T})
    assert torch.equal(folder.read_tensors("x.safetensors", sha256=sha256)["a"], torch.ones(3, 2))
    folder.write_tensors("y.safetensors", {"a": np.arange(3)}, metadata={"channels": "[]"})
    assert folder.read_tensors("y.safetensors")["a"].tolist() == [0, 1, 2]
    with pytest.raises(DamagedError, match=r"y\.safetensors is not the file that was saved"):
        folder.read_tensors("y.safetensors", sha256=sha256)


@pytest.mark.parametrize("parts", [[0], [7], [0, 3, 40], [10, 20, 30], [1, 2, 3, 4, 99]])
def test_a_table_in_parts_has_the_bytes_of_the_whole(parts):
    table = pa.table({"a": np.arange(100), "b": [None if i % 7 else f"w{i}" for i in range(100)]})
    edges = [*parts, 100]
    some = (table.slice(i, j - i) for i, j in zip([0, *edges], edges, strict=False))
    assert tables_bytes(some, table.schema, 3, 10) == table_bytes(table, 3, 10)
    assert tables_bytes([], table.schema, 3, 10) == table_bytes(table.slice(0, 0), 3, 10)


def test_checksum_is_that_of_the_bytes(folder):
    folder.write_bytes("x", b"abc")
    assert folder.sha256("x").startswith("ba7816bf8f01cfea")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    folder = Folder(str(tmp_path))
    folder.write_bytes("x", b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"no room for x in .*: 14 bytes are needed"):
        folder.write_bytes("x", b"new and longer")
    assert folder.names() == ["x"]
    assert folder.read_bytes("x") == b"old"


def test_a_full_disk_is_said_of_a_log_too(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(StoreError, match=r"no room for log in .*: 49 bytes are needed"):
        Folder(str(tmp_path)).append_lines("log", [{"n": 1}])


def test_broken_json_is_named(folder):
    folder.write_bytes("a.json", b"{")
    with pytest.raises(DamagedError, match=r"a\.json is not valid JSON"):
        folder.read_json("a.json")


def test_a_remote_folder_has_no_path():
    with pytest.raises(StoreError, match="memory://x is not a local folder"):
        Folder("memory://x").path("a")
