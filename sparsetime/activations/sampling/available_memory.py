"""Memory that this process may still use: of the machine, of its control groups, of its limits."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_FILES = {
    # limit, use, and the use by files that are only cached and can be given up, by version
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that this process may still take; None where the system does not say.

    The least of: what the machine has available, what each control group (cgroup, version 1 and 2)
    of the process leaves, and what its address space may grow by. root: of `proc` and `sys`.
    """
    known = [*_of_machine(root), *_of_cgroups(root), *_of_address_space(root)]
    return max(0, min(known)) if known else None


def _of_machine(root: Path) -> Iterator[int]:
    with suppress(OSError, ValueError, IndexError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) * 1024
                return
    with suppress(OSError, ValueError, AttributeError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_cgroups(root: Path) -> Iterator[int]:
    """What is left in the group of the process and in each group around it."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            version, base = 2, root / "sys/fs/cgroup"
        elif "memory" in controllers.split(","):
            version, base = 1, root / "sys/fs/cgroup/memory"
        else:
            continue
        # Within a container the path may be that on the host, which is not there: then only the
        # container's own group is seen, at the base.
        group = base / path.lstrip("/")
        for folder in (group, *group.parents):
            with suppress(OSError, ValueError):
                yield _left_in(folder, *_FILES[version])
            if folder == base:
                break


def _left_in(folder: Path, limit: str, use: str, cached: str) -> int:
    """Errors: ValueError where the group has no limit ("max"); OSError where it has no files."""
    most = int((folder / limit).read_text())
    reclaimable = 0
    for line in (folder / "memory.stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == cached:
            reclaimable = int(value)
    return most - int((folder / use).read_text()) + reclaimable


def _of_address_space(root: Path) -> Iterator[int]:
    if sys.platform == "win32":
        return
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return
    with suppress(OSError, ValueError, IndexError):
        pages = int((root / "proc/self/statm").read_text().split()[0])
        yield limit - pages * resource.getpagesize()
