"""A training run on disk: its settings, its log, its last checkpoint, its snapshots, its result."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

from torch import Tensor

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder, Lines
from sparsetime.seeds import STREAMS_VERSION
from sparsetime.training.processes import ONE, Processes
from sparsetime.training.snapshots import (
    SETTINGS,
    SNAPSHOTS,
    Snapshot,
    read_snapshots,
    snapshot_name,
)

_METRICS = "metrics.jsonl"
SETTINGS_VERSION, METRICS_VERSION = 1, 1
_AGAIN = "Remove it, or pass force=True (--force), to train from the beginning"
_STREAMS = "random_streams"  # key of the version of the random streams that a run draws from


@dataclass(frozen=True)
class Run:
    """A finished training run: the folder, the dictionary, and the log's lines."""

    path: str
    dictionary: Dictionary

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl: step, rows, every loss term, fvu, l0, dead, rate, seconds."""
        return read_metrics(self.path)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The dictionaries kept during training, by step: `snapshots[0].load()` is the earliest."""
        return read_snapshots(self.path)


def read_metrics(path: str) -> list[dict[str, Any]]:
    """The lines of a run's log, also while it is still being written; a warning names damaged ones.

    Errors: StoreError where a newer sparsetime wrote it.
    """
    lines = metrics_lines(path)
    if lines.damaged:
        warnings.warn(lines.damaged, stacklevel=2)
    return lines.values


def metrics_lines(path: str) -> Lines:
    """The lines of a run's log, and what of it is damaged. Errors: as for `read_metrics`."""
    return Folder(path).read_lines(_METRICS, METRICS_VERSION)


@final
class RunFolder:
    """The files of a run in training.

    files: those that its trainable saves, the one that marks a finished run last. upgrade: settings
    that an earlier version saved, under today's keys. force: replace whatever run the folder holds;
    nothing is removed before `acquire`. processes: those that train together, of which one writes.
    """

    def __init__(
        self,
        path: str,
        files: tuple[str, ...],
        upgrade: Callable[[dict[str, Any]], dict[str, Any]] = dict,
        force: bool = False,
        processes: Processes = ONE,
    ) -> None:
        self._folder = processes.folder(path)
        self._checkpoints = processes.checkpoints(path)
        self._files = files
        self._upgrade = upgrade
        self._force = force

    @property
    def url(self) -> str:
        return self._folder.url

    @property
    def settings(self) -> dict[str, Any] | None:
        """The settings of the run that the folder holds; None without one, or with force."""
        if self._force or not self._folder.exists(SETTINGS):
            return None
        saved = self._folder.read_json(SETTINGS, SETTINGS_VERSION, _AGAIN)
        try:
            return self._upgrade(saved)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise DamagedError(
                f"{self.url}/{SETTINGS} does not hold the settings of a training run "
                f"({type(error).__name__}: {error}). {_AGAIN}"
            ) from error

    @property
    def is_finished(self) -> bool:
        return not self._force and self._folder.exists(self._files[-1])

    @property
    def has_weights(self) -> bool:
        """Whether the run resumes from weights in the folder: it is finished, or a checkpoint."""
        return self.is_finished or (not self._force and self._checkpoints.exist)

    def check_same_settings(self, settings: dict[str, Any]) -> None:
        """Errors: StoreError where the folder holds a run of other settings."""
        if self._force:
            return
        saved = self.settings
        if saved is not None:
            version = saved.pop(_STREAMS, 0)
            different = sorted(
                key for key in {*saved, *settings} if saved.get(key) != settings.get(key)
            )
            if version != STREAMS_VERSION and different == ["start"]:
                different = []  # initial weights differ where the streams do
            if not different:
                self._check_streams(version)
                return
            raise StoreError(
                f"{self.url} holds another training run: its {', '.join(different)} differ"
                f"{_details(saved, settings, different)}.{_hint(different)} Choose another `out`, "
                "or pass force=True (--force) to train again in its place"
            )
        if self._folder.exists(self._files[-1]):
            kind = self._files[-1].partition(".")[0]
            raise StoreError(
                f"{self.url} holds a {kind} that no training run here wrote; choose "
                "another `out`, or pass force=True (--force) to replace it"
            )

    def _check_streams(self, version: int) -> None:
        """Refuse to resume a run with other random numbers; a finished one needs none."""
        if version == STREAMS_VERSION:
            return
        if not self.is_finished:
            raise StoreError(
                f"got {self.url}, which holds a run that another version of sparsetime began, "
                "expected one of this version: the same seed now gives other initial weights and "
                "another order of rows. Resume it with that version, choose another `out`, or pass "
                "force=True (--force) to train again in its place"
            )
        warnings.warn(
            f"{self.url} holds a finished run of another version of sparsetime, which is opened. "
            "The same seed now gives other initial weights, so it is not checked whether the run "
            "began from this seed; pass force=True (--force) to train again in its place",
            stacklevel=2,
        )

    def acquire(self, settings: dict[str, Any]) -> None:
        """Make the folder this run's: from here on it is written to."""
        if self._force:
            for name in (SETTINGS, _METRICS, *self._files, SNAPSHOTS):
                self._folder.remove(name)
            self._checkpoints.remove()
            self._force = False
        self._folder.write_json(SETTINGS, {**settings, _STREAMS: STREAMS_VERSION}, SETTINGS_VERSION)

    def checkpoint(self, latent_tensors: frozenset[str]) -> dict[str, Tensor] | None:
        """The tensors of the last checkpoint and `next_step`, None without one.

        latent_tensors: names of those with one row a latent, of which this process gets its own.

        Errors: DamagedError where a file is not what was written.
        """
        return None if self._force else self._checkpoints.read(latent_tensors)

    def write_checkpoint(
        self, tensors: dict[str, Tensor], next_step: int, latent_tensors: frozenset[str]
    ) -> None:
        """Replace the last checkpoint."""
        self._checkpoints.write(tensors, next_step, latent_tensors)

    def remove_checkpoint(self) -> None:
        self._checkpoints.remove()

    def resume(self, step: int) -> float:
        """Remove log lines and snapshots of later steps; the seconds that the log counts so far.

        Damaged lines are lost, and a warning says so: the training itself does not need them.
        """
        lines = metrics_lines(self.url)
        if lines.damaged:
            warnings.warn(f"{lines.damaged}. The training resumes without them", stacklevel=2)
        kept = [line for line in lines.values if line.get("step", step + 1) <= step]
        self._folder.write_lines(_METRICS, kept, METRICS_VERSION)
        for name in (self._folder / SNAPSHOTS).names():
            if name.isdecimal() and int(name) > step:
                self._folder.remove(f"{SNAPSHOTS}/{name}")
        return float(kept[-1].get("seconds", 0.0)) if kept else 0.0

    def snapshot(self, step: int) -> str:
        """The folder of the snapshot after `step` steps."""
        return (self._folder / snapshot_name(step)).url

    def log(self, line: dict[str, Any]) -> None:
        self._folder.append_lines(_METRICS, [line], METRICS_VERSION)


def _details(saved: dict[str, Any], settings: dict[str, Any], different: list[str]) -> str:
    """The keys within the groups that differ, such as ` (config.batch)`."""
    keys = [
        f"{group}.{key}"
        for group in different
        if isinstance(old := saved.get(group), dict)
        and isinstance(new := settings.get(group), dict)
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
    return f" ({', '.join(keys)})" if keys else ""


def _hint(different: list[str]) -> str:
    if different != ["start"]:
        return ""
    return " Its weights changed since the run started; re-create it with the same seed to resume."
