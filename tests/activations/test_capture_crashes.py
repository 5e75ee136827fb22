"""A capture that is killed at any instant resumes to the same bytes."""

import hashlib
import signal
from pathlib import Path

import forked
import pytest
import torch
from toy_models import Blocks

import sparsetime as st
from sparsetime.files import Folder

SITES = ["enter", "lstm"]
OPTIONS = {"window": 7, "overlap": 2, "batch": 3, "shard_rows": 16, "progress": False}


def series():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, 3, generator=generator) for n in (9, 20, 3, 7, 12, 1)]


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "s"
    st.capture(Blocks(), series(), SITES, out, **OPTIONS)
    return contents(out)


class Stopped(BaseException):
    pass


def test_stopped_at_every_write_and_resumed(whole, tmp_path, monkeypatch):
    write = Folder.write_bytes
    writes = len(whole) + 8  # files, and the manifests that were replaced
    for last in range(0, writes, 3):
        out = tmp_path / str(last)
        count = 0

        def stopping(self, name, data, last=last):
            nonlocal count
            count += 1
            if count > last:
                raise Stopped
            write(self, name, data)

        monkeypatch.setattr(Folder, "write_bytes", stopping)
        with pytest.raises(Stopped):
            st.capture(Blocks(), series(), SITES, out, **OPTIONS)
        monkeypatch.undo()
        stores = st.capture(Blocks(), iter(series()), SITES, out, **OPTIONS)
        assert contents(out) == whole
        assert [len(store) for store in stores] == [52, 52]


KILLED = """
import os, signal, sys
path, last, out = given
sys.path.insert(0, path)
import sparsetime as st
from sparsetime.files import Folder
from test_capture_crashes import OPTIONS, SITES, Blocks, series
count, replace = 0, os.replace
def killing(source, target):
    global count
    count += 1
    if count > last:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = killing
st.capture(Blocks(), series(), SITES, out, **OPTIONS)
"""


def test_kill_9_with_a_file_half_in_place(whole, tmp_path):
    out = tmp_path / "s"
    for _ in range(2):  # the second one is killed while it resumes
        process = forked.start(KILLED, str(Path(__file__).parent), 8, out)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert contents(out) != whole
    st.capture(Blocks(), series(), SITES, out, **OPTIONS)
    assert contents(out) == whole


def test_a_finished_capture_is_opened_and_not_run_again(whole, tmp_path, monkeypatch):
    out = tmp_path / "s"
    st.capture(Blocks(), series(), SITES, out, **OPTIONS)
    from sparsetime.activations.capture.forward_passes import ForwardPasses

    monkeypatch.delattr(ForwardPasses, "run")
    stores = st.capture(Blocks(), series(), SITES, out, **OPTIONS)
    assert [store.site for store in stores] == SITES
    assert contents(out) == whole
