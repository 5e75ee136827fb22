"""Folders: whole files or none, on disk and behind URLs."""

import errno
import os
import uuid

import numpy as np
import pyarrow as pa
import pytest
import torch

from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder, Lines
from sparsetime.files.formats import table_bytes


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
    assert folder.read_bytes("log").count(b"\n") == 3


def test_lines_follow_a_half_line_that_a_crash_left(folder):
    folder.append_lines("log", [{"n": 1}, {"n": 2}])
    folder.write_bytes("log", folder.read_bytes("log")[:-9])
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
