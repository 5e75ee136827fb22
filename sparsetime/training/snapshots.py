"""Snapshots: what a dictionary was on the way to what it became."""

from __future__ import annotations

from dataclasses import dataclass

from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.files import Folder

SNAPSHOTS = "snapshots"
SETTINGS = "training.json"


@dataclass(frozen=True)
class Snapshot:
    """A dictionary as it was after `step` steps of a training, in which it had seen `rows` rows.

    path: its folder or URL, which `sparsetime.load` opens as well.
    """

    step: int
    rows: int
    path: str

    def load(self) -> Dictionary:
        """The dictionary of that moment. Errors: those of `sparsetime.load`."""
        return serialise.load(self.path).eval()


def snapshot_name(step: int) -> str:
    """The folder of a snapshot within its run; names sort as steps do, up to a million."""
    return f"{SNAPSHOTS}/{step:06d}"


def read_snapshots(run: str) -> tuple[Snapshot, ...]:
    """The snapshots of a run in order of steps, also while it trains; none where none were kept."""
    folder = Folder(run)
    steps = sorted(int(name) for name in (folder / SNAPSHOTS).names() if name.isdecimal())
    whole = [s for s in steps if folder.exists(f"{snapshot_name(s)}/{serialise.JSON_NAME}")]
    if not whole:
        return ()
    batch = folder.read_json(SETTINGS)["config"]["batch"]
    return tuple(Snapshot(s, s * batch, (folder / snapshot_name(s)).url) for s in whole)


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
