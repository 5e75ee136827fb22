"""Locks of folders: who holds one is said, one of a dead process is taken over."""

import inspect
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import sparsetime as st
from sparsetime.cli import app, claim
from sparsetime.demo.pipeline import demo
from sparsetime.errors import ConfigError, StoreError
from sparsetime.files import Folder, folder_lock, locks
from sparsetime.files.partial import partial_name

HOLD = """
import sys, time
from sparsetime.files import Folder, folder_lock
with folder_lock(Folder(sys.argv[1]), what="sparsetime train"):
    Folder(sys.argv[1]).write_json("begun.json", {})
    print("held", flush=True)
    time.sleep(60)
"""


def present(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of `tmp_path / "x"`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "x")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_who_holds_a_folder_is_said_and_a_dead_process_holds_none(tmp_path, holder):
    folder = Folder(str(tmp_path / "x"))
    said = (
        rf"x is being written by sparsetime train, process {holder.pid} on \S+, since "
        r"20\d\d-\d\d-\d\dT\S+ \(-c .*\)\. Wait until it ends, stop it, or choose another folder"
    )
    with pytest.raises(StoreError, match=said), folder_lock(folder, what="sparsetime index"):
        pass
    with folder_lock(folder / "features", what="sparsetime index"):
        pass  # a folder within it is another folder
    leftover = folder.path(f"a.json.0000-{holder.pid}-00.partial")
    leftover.write_bytes(b"")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with folder_lock(folder, what="sparsetime index"):
        assert folder.names() == ["begun.json"]
        held = json.loads(folder.path(".lock.json").read_text())
        assert (held["process"], held["what"]) == (os.getpid(), "sparsetime index")
    assert present(tmp_path / "x") == ["begun.json"]


def test_a_second_thread_is_another_holder(tmp_path):
    errors = []

    def second():
        try:
            with folder_lock(Folder(str(tmp_path)), what="sparsetime index"):
                pass
        except StoreError as error:
            errors.append(str(error))

    with folder_lock(Folder(str(tmp_path)), what="sparsetime train"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert f"sparsetime train, process {os.getpid()}" in errors[0]


def test_a_thread_may_take_a_lock_that_it_holds_again(tmp_path):
    with folder_lock(Folder(str(tmp_path)), what="the build of a testbed"):
        with folder_lock(Folder(f"{tmp_path}/."), what="sparsetime capture"):
            pass
        assert present(tmp_path) == [".lock", ".lock.json"]
    assert present(tmp_path) == []


def test_a_patient_thread_waits_for_the_lock(tmp_path):
    order = []

    def second():
        with folder_lock(Folder(str(tmp_path)), what="a build", patience=-1):
            order.append("second")

    with folder_lock(Folder(str(tmp_path)), what="a build"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(1.5)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


PUBLIC = [
    name
    for name in st.__all__
    if inspect.isfunction(getattr(st, name))
    and "out" in inspect.signature(getattr(st, name)).parameters
    and name != "testbed"  # waits
]


@pytest.mark.parametrize("name", PUBLIC)
def test_whatever_writes_to_a_folder_is_refused_while_another_does(name, tmp_path, holder):
    """Every public function with `out`; `claim --keep` and the demo have none."""
    function = getattr(st, name)
    required = [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind is not parameter.VAR_KEYWORD
        and parameter.name != "out"
    ]
    arguments = dict.fromkeys(required)
    if name == "train":
        arguments["dictionary"] = st.dictionary("topk", d_in=4, width=8, k=2)
    if name == "effects":
        dictionary = st.dictionary("topk", d_in=4, width=8, k=2)
        arguments |= {"model": torch.nn.Identity(), "dictionaries": dictionary, "edits": {0: 1.0}}
    if name == "cost":
        arguments = {"model": torch.nn.Linear(2, 2), "data": torch.zeros(1, 3, 2)}
    if name == "sweep_recall":
        arguments = {"mixers": {"full": "attention"}}
    with pytest.raises(StoreError, match=rf"x is being written by .* process {holder.pid} on"):
        function(**arguments, out=tmp_path / "x")


def test_the_commands_that_write_are_refused_too(tmp_path, holder, monkeypatch):
    """As a user sees it: one line, and no traceback."""
    out = str(tmp_path / "x")
    result = CliRunner().invoke(app, ["export", str(tmp_path), out])
    assert result.exit_code == 2
    assert (
        f"error: {out} is being written by sparsetime train, process {holder.pid}" in result.output
    )
    with pytest.raises(StoreError, match="is being written by"):
        demo(out)
    monkeypatch.setattr(claim, "_kept", lambda: tmp_path / "x" / "results.jsonl")
    result = CliRunner().invoke(app, ["claim", "topk", "--keep"])
    assert result.exit_code == 2 and "is being written by sparsetime train" in result.output


def test_a_folder_in_which_nothing_was_written_is_removed(tmp_path):
    with (
        pytest.raises(ValueError, match="refused"),
        folder_lock(Folder(str(tmp_path / "a/b")), what="x"),
    ):
        raise ValueError("refused")
    assert present(tmp_path) == []


def test_remote_and_read_only_folders_have_no_lock(tmp_path):
    url = f"memory://{uuid.uuid4().hex}/x"
    with folder_lock(Folder(url), what="x"), folder_lock(Folder(url), what="x"):
        pass
    (tmp_path / "file").write_text("")
    with folder_lock(Folder(str(tmp_path / "file")), what="x"):
        pass  # no folder: whatever writes there fails with its own reason


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True).stdout.strip()  # fmt: skip
    mine = Path(partial_name(str(tmp_path / "shards" / "a")))
    killed = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{ended}-"))
    elsewhere = mine.with_name(f"a.ffffffff{mine.name[10:]}")
    of_0_1_0 = tmp_path / f"b.{uuid.uuid4().hex}.partial"
    mine.parent.mkdir()
    for path in (mine, killed, elsewhere, of_0_1_0):
        path.touch()
    with folder_lock(Folder(str(tmp_path)), what="x"):
        assert mine.exists() and elsewhere.exists()
        assert not killed.exists() and not of_0_1_0.exists()
    os.utime(elsewhere, (0, 0))
    with folder_lock(Folder(str(tmp_path)), what="x"):
        assert mine.exists() and not elsewhere.exists()


def test_a_decorated_function_holds_the_lock_of_its_folder(tmp_path):
    @locks("out")
    def write(rows, out=None):
        """Write rows."""
        return present(tmp_path), rows

    assert write(3) == ([], 3)
    assert write(rows=3, out=tmp_path) == ([".lock", ".lock.json"], 3)
    assert write.__doc__ == "Write rows."
    assert present(tmp_path) == []


@pytest.mark.parametrize("out", [None, "", 3])
def test_a_folder_that_must_be_given_is_asked_for(out):
    @locks("out")
    def write(out):
        raise AssertionError("nothing is written without a folder")

    message = rf"got out={out!r}, expected the path or URL of a folder; give one, such as out="
    with pytest.raises(ConfigError, match=message):
        write(out)
