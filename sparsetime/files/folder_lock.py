"""Lock of a folder: one process at a time writes to it; the error of others names it."""

from __future__ import annotations

import inspect
import os
import platform
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import filelock

from sparsetime.errors import SparsetimeError, StoreError
from sparsetime.files.check_rename import warn_without_atomic_rename
from sparsetime.files.folder import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.files.partial import remove_leftovers

P = ParamSpec("P")
R = TypeVar("R")
LOCK, HOLDER = ".lock", ".lock.json"
_PATIENCE = 1.0  # seconds: a process that only opens what is finished holds the lock for less
_holders: dict[str, int] = {}  # the thread of this process that holds each folder


@contextmanager
def folder_lock(*folders: Folder, what: str, patience: float = _PATIENCE) -> Iterator[None]:
    """Hold the lock of folders while they are written to; `what` names the work.

    A thread that holds a lock may take it again. Others are refused after `patience` seconds; a
    negative number waits for as long as it takes.

    Leftovers of killed processes in them are removed first. The operating system releases the lock
    of a process that ends, however it ends, so that the next one takes it over. A folder that was
    made for its lock, and in which nothing was written, is removed again.

    Remote folders have no locks, and nor have folders that may not be written to. On network file
    systems a lock holds as far as the system supports `flock`.

    Errors: StoreError that names the process which holds a lock.
    """
    with ExitStack() as stack:
        for folder in dict.fromkeys(folders):
            if folder.is_local:
                stack.enter_context(_locked(folder, what, patience))
        yield


def locks(
    parameter: str, folder_of: Callable[[Mapping[str, Any]], str] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a function so that it holds the lock of the folder that it writes to.

    parameter: the name of its argument that is the folder or URL; where that is None by default,
    nothing is locked. folder_of: the folder, from all arguments by name, where it is another one.
    Errors: those of `folder_lock`; ConfigError for what is no path, and for None where the function
    has no such default.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        is_optional = signature.parameters[parameter].default is None

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            folders = []
            if not (is_optional and bound.arguments[parameter] is None):
                own = folder_of(bound.arguments) if folder_of else bound.arguments[parameter]
                folders = [Folder(folder_url(own, parameter))]
            with folder_lock(*folders, what=f"sparsetime {function.__name__}"):
                return function(*args, **kwargs)

        return call

    return decorated


@contextmanager
def _locked(folder: Folder, what: str, patience: float) -> Iterator[None]:
    path = folder.path()
    key = os.path.realpath(path)
    if _holders.get(key) == threading.get_ident():
        yield
        return
    made = _missing_folders(path)
    lock = filelock.FileLock(path / LOCK)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=patience)
    except filelock.Timeout:
        raise _held(folder) from None
    except OSError:  # a folder that may only be read: whatever writes there fails with its reason
        yield
        return
    _holders[key] = threading.get_ident()
    try:
        folder.write_json(HOLDER, _holder(what))
        remove_leftovers(path)
        warn_without_atomic_rename(path)
        yield
    finally:
        del _holders[key]
        for name in (HOLDER, LOCK):
            with suppress(OSError):
                (path / name).unlink()
        for one in made:
            with suppress(OSError):
                one.rmdir()
        lock.release()


def _missing_folders(path: Path) -> list[Path]:
    """The folders that do not exist on the way to a path, the innermost first."""
    return [one for one in (path, *path.parents) if not one.exists()]


def _holder(what: str) -> dict[str, str | int]:
    return {
        "what": what,
        "process": os.getpid(),
        "host": platform.node(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv)[:200],
    }


def _held(folder: Folder) -> StoreError:
    try:
        holder = folder.read_json(HOLDER)
        who = (
            f"{holder['what']}, process {holder['process']} on {holder['host']}, since "
            f"{holder['since']} ({holder['command']})"
        )
    except (OSError, KeyError, TypeError, SparsetimeError):
        who = "another process, which did not say who it is"
    return StoreError(
        f"{folder.url} is being written by {who}. Wait until it ends, stop it, or choose another "
        f"folder"
    )
