"""Snapshots: the weights of a run after chosen numbers of steps."""

from __future__ import annotations

from dataclasses import dataclass

from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import DamagedError
from sparsetime.files import Folder

SNAPSHOTS = "snapshots"
SETTINGS = "training.json"


@dataclass(frozen=True)
class Snapshot:
    """A dictionary after `step` steps of its training, on `rows` rows.

    path: its folder or URL, which `sparsetime.load` opens as well.
    """

    step: int
    rows: int
    path: str

    def load(self) -> Dictionary:
        """The dictionary, in evaluation mode. Errors: those of `sparsetime.load`."""
        return serialise.load(self.path).eval()


def snapshot_name(step: int) -> str:
    """The folder of a snapshot within its run; names sort as steps do, up to a million."""
    return f"{SNAPSHOTS}/{step:06d}"


def read_snapshots(run: str) -> tuple[Snapshot, ...]:
    """The snapshots of a run in order of steps, also while it trains; none where none were kept."""
    folders = snapshot_folders(run, serialise.JSON_NAME)
    if not folders:
        return ()
    settings = Folder(run).read_json(SETTINGS)
    try:
        batch = int(settings["config"]["batch"])
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError(
            f"{run}/{SETTINGS} does not say the batch of the training ({type(error).__name__}: "
            f"{error}), by which its snapshots count rows. Restore it from a copy"
        ) from error
    return tuple(Snapshot(step, step * batch, folder.url) for step, folder in folders.items())


def snapshot_folders(run: str, last_file: str) -> dict[int, Folder]:
    """The folders of a run's whole snapshots by step, ascending.

    last_file: the file of a snapshot that is written last; one without it is left out.
    """
    folder = Folder(run)
    steps = sorted(int(name) for name in (folder / SNAPSHOTS).names() if name.isdecimal())
    folders = {step: folder / snapshot_name(step) for step in steps}
    return {step: snapshot for step, snapshot in folders.items() if snapshot.exists(last_file)}


def read_stages(run: str) -> tuple[Snapshot, ...]:
    """The snapshots of a finished run and, last, the dictionary that it ended with.

    None where it kept no snapshots.
    """
    folder = Folder(run)
    snapshots = read_snapshots(run)
    if not snapshots or not folder.exists(serialise.JSON_NAME):
        return ()
    config = folder.read_json(SETTINGS)["config"]
    steps = -(-config["rows"] // config["batch"])
    return (*snapshots, Snapshot(steps, steps * config["batch"], run))
