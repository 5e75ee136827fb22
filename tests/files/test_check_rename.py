"""A file system that copies in place of a rename is found, and one that renames is not accused."""

import sys
import time
import warnings
from pathlib import Path

import pytest

from sparsetime.files import Folder, check_rename, folder_lock


@pytest.fixture(autouse=True)
def untried(monkeypatch):
    monkeypatch.setattr(check_rename, "_tried", set())


def copying(source, target):
    """What a mount of an object store does: it copies, bit by bit, and removes."""
    data = source.read_bytes()
    with open(target, "wb") as new:
        new.write(data[: len(data) // 2])
        new.flush()
        time.sleep(0.01)
        new.write(data[len(data) // 2 :])
    source.unlink()


def test_a_copy_in_place_of_a_rename_is_said_once(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", copying)
    with pytest.warns(
        UserWarning, match=r"does not replace a file at once: while one was replaced"
    ):
        check_rename.warn_without_atomic_rename(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_rename.warn_without_atomic_rename(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_rename_that_changes_the_inode_but_is_whole_is_not(tmp_path, monkeypatch):
    real = Path.replace

    def new_inode(source, target):
        again = target.with_suffix(".again")
        again.write_bytes(source.read_bytes())
        real(again, target)
        source.unlink()

    monkeypatch.setattr(Path, "replace", new_inode)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_rename.warn_without_atomic_rename(tmp_path)


def test_whatever_locks_a_folder_tries_it(tmp_path, monkeypatch):
    tried = []
    module = sys.modules["sparsetime.files.folder_lock"]
    monkeypatch.setattr(module, "warn_without_atomic_rename", tried.append)
    with folder_lock(Folder(str(tmp_path / "x")), what="test"):
        assert tried == [tmp_path / "x"]
