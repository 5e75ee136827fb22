"""A store survives what machines do: kill -9, full disks, damaged files, other runs."""

import errno
import hashlib
import os
import random
import signal
import time
from pathlib import Path

import edited
import forked
import pytest
import torch
from small_store import shards_of, values_of, write_store, writer_at

from sparsetime.activations.store.manifest import SCHEMA_VERSION
from sparsetime.activations.store.open_store import open_store
from sparsetime.errors import DamagedError, DataError, StoreError
from sparsetime.files import Folder

LENGTHS = [5, 1, 12, 3, 9]
# Long enough that a kill at a random instant falls between, before and within shards.
MANY, SHARD_ROWS, D = [50] * 40, 64, 256


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


KILLED = """
import sparsetime.activations.store.open_store
from small_store import write_store
go, *arguments = given
go.send("the imports are done")
write_store(*arguments)
"""


def test_kill_9_at_any_instant_then_the_same_bytes(tmp_path):
    write_store(tmp_path / "whole", MANY, SHARD_ROWS, D)
    chance = random.Random(0)
    kills = 0
    for _ in range(3):
        ready, go = forked.pipe(duplex=False)
        process = forked.start(KILLED, go, tmp_path / "killed", MANY, SHARD_ROWS, D)
        go.close()
        ready.recv()
        time.sleep(chance.uniform(0.0, 0.15))
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
        if (tmp_path / "killed/manifest.json").exists():
            store = open_store(tmp_path / "killed")
            store.verify()
            rows = len(store)
            assert torch.equal(store.read(0, rows), values_of(2000, D)[:rows])
    assert kills > 0
    write_store(tmp_path / "killed", MANY, SHARD_ROWS, D)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("writes", range(26))
def test_a_crash_after_any_write_leaves_finished_shards_and_resumes(tmp_path, monkeypatch, writes):
    """The process stops before write number `writes`, without a chance to tidy up."""
    whole = write_store(tmp_path / "whole", LENGTHS)
    real, left = Folder.write_bytes, [writes]

    def write(self, name, data):
        if left[0] == 0:
            partial = self.path(name).parent
            partial.mkdir(parents=True, exist_ok=True)
            (partial / f"{Path(name).name}.abc.partial").write_bytes(data[: len(data) // 2])
            os._exit(9)
        left[0] -= 1
        real(self, name, data)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Folder, "write_bytes", write)
        write_store(tmp_path / "cut", LENGTHS)
        os._exit(0)
    os.waitpid(child, 0)
    if writes > 0:
        store = open_store(tmp_path / "cut")
        rows = min((writes - 1) // 5 * 7, 30)
        assert len(store) == rows
        assert torch.equal(store.read(0, rows), values_of(30)[:rows])
        assert sum(store.sequences["length"].to_pylist()) == rows
        if rows:
            assert len(torch.cat(list(store.rows(4)))) == rows
            assert store.sequence(0).id == "document 0"
        else:
            with pytest.raises(DataError, match=r"no rows to sample: the activations are empty"):
                store.rows(4)
            with pytest.raises(DataError, match=r"holds no activations yet"):
                store.steps()
    write_store(tmp_path / "cut", LENGTHS)
    assert contents(tmp_path / "cut") == contents(whole.path)


def test_a_full_disk_is_explained_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    writer = writer_at(tmp_path / "s")
    shards = list(shards_of(LENGTHS, 7))
    writer.append(*shards[0])
    before = contents(tmp_path / "s")
    real = os.fsync

    def fsync(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(
        StoreError,
        match=r"the disk is full: shard 000001 needs [\d,]+ bytes in .*/s\. Free .*after the 1 fin",
    ):
        writer.append(*shards[1])
    assert contents(tmp_path / "s") == before
    monkeypatch.setattr(os, "fsync", real)
    for shard in shards[1:]:
        writer.append(*shard)
    assert len(writer.finish()) == 30


def test_other_errors_of_the_system_stay_as_they_are(tmp_path, monkeypatch):
    writer = writer_at(tmp_path / "s")

    def fsync(number):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=r"Input/output error"):
        writer.append(*next(shards_of(LENGTHS, 7)))


def test_a_folder_of_another_run_is_refused_unless_forced(tmp_path):
    write_store(tmp_path / "s", LENGTHS)
    with pytest.raises(
        StoreError,
        match=r"holds another capture: capture.window is None there and 64 here; site is 'layer' "
        "there and 'other' here. Choose another folder, or replace it with force=True",
    ):
        writer_at(tmp_path / "s", site="other", capture={"shard_rows": 7, "window": 64})
    assert len(write_store(tmp_path / "s", [4], site="other", force=True)) == 4


def test_a_folder_of_other_things_is_refused_and_never_emptied(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StoreError, match=r"holds no activation store: it has thesis.tex. Choose"):
        writer_at(tmp_path)
    write_store(tmp_path, LENGTHS, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_truncated_shard_is_named_on_opening(tmp_path):
    write_store(tmp_path / "s", LENGTHS)
    shard = tmp_path / "s/shards/000002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-5])
    with pytest.raises(DamagedError, match=r"000002.safetensors is truncated: [\d,]+ bytes are"):
        open_store(tmp_path / "s")
    shard.write_bytes(shard.read_bytes() + b"123456")
    with pytest.raises(DamagedError, match=r"000002.safetensors is longer than it was written"):
        open_store(tmp_path / "s")
    shard.unlink()
    with pytest.raises(DamagedError, match=r"000002.safetensors is missing, but the manifest"):
        open_store(tmp_path / "s")
    with pytest.raises(DamagedError, match=r"000002.safetensors is missing"):
        writer_at(tmp_path / "s")


@pytest.mark.parametrize("kind", ["safetensors", "parquet"])
def test_a_damaged_shard_is_named_on_reading_and_never_read(tmp_path, kind):
    store = write_store(tmp_path / "s", LENGTHS)
    store.read(0, 30)
    store.steps()
    shard = tmp_path / f"s/shards/000001.{kind}"
    data = bytearray(shard.read_bytes())
    data[-9] ^= 1
    shard.write_bytes(data)
    for store in (open_store(tmp_path / "s"), open_store(f"file://{tmp_path}/s")):
        assert torch.equal(store.read(0, 7), values_of(30)[:7])
        with pytest.raises(DamagedError, match=f"000001.{kind} is damaged: its bytes are not"):
            store.steps() if kind == "parquet" else list(store.rows(5))
        with pytest.raises(DamagedError, match=f"000001.{kind} is damaged"):
            store.verify()


def test_a_damaged_sequence_table_is_named(tmp_path):
    write_store(tmp_path / "s", LENGTHS)
    table = tmp_path / "s/sequences.parquet"
    table.write_bytes(table.read_bytes()[:-1] + b"X")
    with pytest.raises(DamagedError, match=r"sequences.parquet is damaged"):
        open_store(tmp_path / "s")


def forge(folder, name, data):
    """Replace a file, and its record in the manifest."""
    (folder / name).write_bytes(data)
    manifest = edited.read_json(folder / "manifest.json")
    for shard in manifest["shards"]:
        for kind, record in shard["files"].items():
            if name == f"shards/{shard['name']}.{kind}":
                record.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    edited.write_json(folder / "manifest.json", manifest)


def test_a_shard_that_is_no_safetensors_file_is_named(tmp_path):
    write_store(tmp_path / "s", LENGTHS)
    forge(tmp_path / "s", "shards/000000.safetensors", b"not a tensor at all" * 9)
    with pytest.raises(DamagedError, match=r"000000.safetensors is not a safetensors file with a"):
        open_store(tmp_path / "s").read(0, 3)


def test_a_shard_of_another_shape_is_named(tmp_path):
    write_store(tmp_path / "s", LENGTHS)
    last = (tmp_path / "s/shards/000004.safetensors").read_bytes()
    forge(tmp_path / "s", "shards/000000.safetensors", last)
    with pytest.raises(DamagedError, match=r"float32 \[2, 3\]; the manifest says .*\[7, 3\]"):
        open_store(tmp_path / "s").read(0, 3)


def test_what_is_no_store_says_so(tmp_path):
    with pytest.raises(StoreError, match=r"is not an activation store: it does not exist"):
        open_store(tmp_path / "nowhere")
    with pytest.raises(StoreError, match=r"is not an activation store: it has no manifest.json"):
        open_store(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema_vers')
    with pytest.raises(DamagedError, match=r"manifest.json is not valid JSON"):
        open_store(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(StoreError, match=r"it has no schema_version"):
        open_store(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema_version": 1}')
    with pytest.raises(DamagedError, match=r"is JSON but not a whole manifest"):
        open_store(tmp_path)


def test_a_newer_schema_is_refused(tmp_path):
    write_store(tmp_path / "s", LENGTHS)
    path = tmp_path / "s/manifest.json"
    newer = SCHEMA_VERSION + 1
    edited.replace(path, '"schema_version": 1', f'"schema_version": {newer}')
    expected = rf"newer sparsetime: its schema version is {newer}, this one"
    with pytest.raises(StoreError, match=expected):
        open_store(tmp_path / "s")


def test_a_manifest_at_odds_with_the_table_is_refused(tmp_path):
    write_store(tmp_path / "s", LENGTHS)
    path = tmp_path / "s/manifest.json"
    edited.replace(path, '"sequences": 5', '"sequences": 4')
    with pytest.raises(DamagedError, match=r"counts 4 sequences and 30 rows, its sequence table"):
        open_store(tmp_path / "s")
