"""A training run on disk: its settings, its log, its last checkpoint, its result."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from sparsetime.dictionaries import serialise
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.training.config import upgrade_saved_config
from sparsetime.training.snapshots import (
    SETTINGS,
    SNAPSHOTS,
    Snapshot,
    read_snapshots,
    snapshot_name,
)

_METRICS = "metrics.jsonl"
_CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Run:
    """A finished training run: the folder, the dictionary, and the log's lines."""

    path: str
    dictionary: Dictionary

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl: step, rows, every loss term, fvu, l0, dead, rate, seconds."""
        return list(read_metrics(self.path))

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """What was kept on the way, in order of steps: `snapshots[0].load()` is the earliest."""
        return read_snapshots(self.path)


def read_metrics(path: str) -> Iterator[dict[str, Any]]:
    """The lines of a run's log, also while it is still being written."""
    folder = Folder(path)
    if not folder.exists(_METRICS):
        return
    for line in folder.read_bytes(_METRICS).decode().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return  # the line being written just now


class RunFolder:
    """The files of a run in the making."""

    def __init__(self, path: str, force: bool) -> None:
        self._folder = Folder(path)
        self._force = force

    @property
    def settings(self) -> dict[str, Any] | None:
        """What decides the outcome of the run that is here already, if one is to go on."""
        if self._force or not self._folder.exists(SETTINGS):
            return None
        saved: dict[str, Any] = self._folder.read_json(SETTINGS)
        return {**saved, "config": upgrade_saved_config(saved["config"])}

    @property
    def is_finished(self) -> bool:
        return not self._force and self._folder.exists(serialise.JSON_NAME)

    def acquire(self, settings: dict[str, Any]) -> None:
        """Make the folder this run's: from here on it is written to."""
        if self._force:
            results = (serialise.JSON_NAME, serialise.WEIGHTS_NAME, SNAPSHOTS)
            for name in (SETTINGS, _METRICS, _CHECKPOINT, *results):
                self._folder.remove(name)
            self._force = False
        self._folder.write_json(SETTINGS, settings)

    def checkpoint(self) -> dict[str, Tensor] | None:
        """The last checkpoint, if one was written."""
        if self._force or not self._folder.exists(_CHECKPOINT):
            return None
        try:
            return load_tensors(self._folder.read_bytes(_CHECKPOINT))
        except SafetensorError as error:
            raise DamagedError(
                f"{self._folder.url}/{_CHECKPOINT} is not a safetensors file ({error}); remove it, "
                "or pass force=True (--force), to train from the beginning"
            ) from error

    def write_checkpoint(self, tensors: dict[str, Tensor]) -> None:
        """Replaces the last one."""
        self._folder.write_bytes(
            _CHECKPOINT, save_tensors({name: t.contiguous() for name, t in tensors.items()})
        )

    def resume(self, step: int) -> None:
        """Forget log lines and snapshots of steps that will be done again."""
        kept = [line for line in read_metrics(self._folder.url) if line["step"] <= step]
        self._folder.write_text(_METRICS, "".join(json.dumps(line) + "\n" for line in kept))
        for name in (self._folder / SNAPSHOTS).names():
            if name.isdecimal() and int(name) > step:
                self._folder.remove(f"{SNAPSHOTS}/{name}")

    def write_snapshot(self, step: int, dictionary: Dictionary) -> None:
        """Keep what the dictionary is after so many steps."""
        serialise.save(dictionary, (self._folder / snapshot_name(step)).url)

    def log(self, line: dict[str, Any]) -> None:
        self._folder.append_text(_METRICS, json.dumps(line) + "\n")

    def finish(self, dictionary: Dictionary) -> None:
        """Write the dictionary, which marks the run as finished."""
        serialise.save(dictionary, self._folder.url)
        self._folder.remove(_CHECKPOINT)

    def check_same_settings(self, settings: dict[str, Any]) -> None:
        """Errors: StoreError where the folder holds a run of other settings."""
        if self._force:
            return
        found = self.settings
        if found is not None:
            differ = sorted(
                key for key in {*found, *settings} if found.get(key) != settings.get(key)
            )
            if differ:
                hint = (
                    " A dictionary that was trained since it was made starts elsewhere: make it "
                    "anew with the same seed to go on."
                    if differ == ["start"]
                    else ""
                )
                raise StoreError(
                    f"{self._folder.url} holds another training run: its "
                    f"{', '.join(differ)} differ.{hint} Choose another `out`, or pass force=True "
                    "(--force) to train anew in its place"
                )
        elif self._folder.exists(serialise.JSON_NAME):
            raise StoreError(
                f"{self._folder.url} holds a dictionary that no training run here wrote; choose "
                "another `out`, or pass force=True (--force) to replace it"
            )
