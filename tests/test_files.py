"""Folders: whole files or none, on disk and behind URLs."""

import errno
import os
import uuid

import pytest

from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder


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
    folder.write_text("deep/b.txt", "text")
    assert folder.read_json("a.json") == {"k": [1, "ü"]}
    assert (folder / "deep").read_bytes("b.txt") == b"text"
    assert folder.names() == ["a.json", "deep"]
    assert folder.size("deep/b.txt") == 4
    folder.write_text("deep/b.txt", "other")
    assert folder.read_bytes("deep/b.txt") == b"other"
    folder.remove("deep")
    assert folder.names() == ["a.json"]


def test_lines_are_appended(folder):
    folder.append_text("log", "one\n")
    folder.append_text("log", "two\n")
    assert folder.read_bytes("log") == b"one\ntwo\n"


def test_checksum_is_that_of_the_bytes(folder):
    folder.write_bytes("x", b"abc")
    assert folder.sha256("x").startswith("ba7816bf8f01cfea")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    folder = Folder(str(tmp_path))
    folder.write_text("x", "old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"no room for x in .*: 14 bytes are needed"):
        folder.write_text("x", "new and longer")
    assert folder.names() == ["x"]
    assert folder.read_bytes("x") == b"old"


def test_a_full_disk_is_said_of_a_log_too(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("builtins.open", full)
    with pytest.raises(StoreError, match=r"no room for log in .*: 4 bytes are needed"):
        Folder(str(tmp_path)).append_text("log", "one\n")


def test_broken_json_is_named(folder):
    folder.write_text("a.json", "{")
    with pytest.raises(DamagedError, match=r"a\.json is not valid JSON"):
        folder.read_json("a.json")


def test_a_remote_folder_has_no_path():
    with pytest.raises(StoreError, match="memory://x is not a local folder"):
        Folder("memory://x").path("a")
