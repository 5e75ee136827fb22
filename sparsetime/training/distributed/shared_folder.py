"""Check of the folder of a run before training: all processes see it, and replace files whole."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Any, final

from sparsetime.errors import DamagedError, ProcessError, StoreError
from sparsetime.files import Folder
from sparsetime.training.distributed.exchange import Exchange

_PROBE = "probe-of-processes.json"
_SIZE, _REPLACEMENTS = 1 << 14, 12
_PATIENCE = 10.0  # seconds until a file that one process wrote is seen by the others


def check_shared_folder(folder: Folder, everyone: Exchange) -> None:
    """Check that all processes see what the first writes into a folder, and see it whole.

    The first process replaces a file several times while the others read it: a read that finds no
    file, or part of one, shows that the file system does not replace files at once. A crash could
    then leave a run without its checkpoint.

    Errors: ProcessError where a process sees another folder; StoreError where a replacement is not
    atomic.
    """
    token = everyone.gather_text(f"{os.getpid()}-{time.time_ns()}")[0]
    writes = everyone.number == 0
    if writes:
        folder.write_json(_PROBE, _filled(0, token))
    everyone.wait()
    reading = _Reading(folder, token)
    seen = everyone.gather_text("" if writes or reading.appears() else "unseen")
    unseen = [number for number, problem in enumerate(seen) if problem]
    if unseen:
        if writes:
            folder.remove(_PROBE)
        raise ProcessError(
            f"got {folder.url}, in which process {', '.join(map(str, unseen))} does not see what "
            "process 0 writes, expected one folder that all processes share; give a path on a "
            "shared file system"
        )
    if writes:
        for turn in range(1, _REPLACEMENTS + 1):
            folder.write_json(_PROBE, _filled(turn, token))
        problem = ""
    else:
        problem = reading.problem()
    problems = [p for p in everyone.gather_text(problem) if p]
    if writes:
        folder.remove(_PROBE)
    if problems:
        raise StoreError(
            f"got {folder.url}, whose file system does not replace a file at once: while one was "
            f"replaced, a reader found that {problems[0]}. "
            "Expected atomic renames, without which a crash can leave a run without its "
            "checkpoint; give a folder on another file system"
        )


def _filled(turn: int, token: str) -> dict[str, Any]:
    return {"token": token, "turn": turn, "filling": str(turn % 10) * _SIZE}


@final
class _Reading:
    """Reads of the probe by a process that does not write it."""

    def __init__(self, folder: Folder, token: str) -> None:
        self._folder, self._token = folder, token
        self._end = time.monotonic() + _PATIENCE

    def appears(self) -> bool:
        """Whether the file of this session is seen, after some patience."""
        while time.monotonic() < self._end:
            with suppress(DamagedError):
                if self._folder.read_json(_PROBE).get("token") == self._token:
                    return True
            time.sleep(0.01)
        return False

    def problem(self) -> str:
        """What a reader saw of a replacement that was not atomic; nothing where all were."""
        while time.monotonic() < self._end:
            try:
                turn = self._folder.read_json(_PROBE)["turn"]
            except DamagedError as error:  # missing, or of bytes that its checksum does not fit
                return str(error).partition(". ")[0]
            if turn == _REPLACEMENTS:
                return ""
        return ""
