"""Whether this machine multiplies bfloat16 faster than float32: measured, not guessed."""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

from sparsetime.files import Folder

# Below this ratio of times the lower precision is worth it.
_WORTH = 0.7
_SHAPE = (512, 512, 4096)


def selection_dtype(device: torch.device) -> torch.dtype:
    """The dtype for selection products on `device`: bfloat16 where it is clearly faster.

    The first call on a machine measures for a few milliseconds and keeps the answer in the user's
    cache folder, so that runs repeat exactly.
    """
    ratio = _kept_ratio(device.type, _machine(device))
    return torch.bfloat16 if ratio < _WORTH else torch.float32


def measured_ratio(device: torch.device) -> float:
    """Median time of a bfloat16 product over that of a float32 one, interleaved."""
    rows, d, width = _SHAPE
    pairs = {
        dtype: (
            torch.ones(rows, d, dtype=dtype, device=device),
            torch.ones(d, width, dtype=dtype, device=device),
            torch.empty(rows, width, dtype=dtype, device=device),
        )
        for dtype in (torch.float32, torch.bfloat16)
    }
    times: dict[torch.dtype, list[float]] = {dtype: [] for dtype in pairs}
    for _ in range(9):
        for dtype, (a, b, out) in pairs.items():
            began = time.perf_counter()
            torch.mm(a, b, out=out)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times[dtype].append(time.perf_counter() - began)
    low, full = (sorted(times[dtype])[4] for dtype in (torch.bfloat16, torch.float32))
    return low / full


@cache
def _kept_ratio(kind: str, machine: str) -> float:
    base = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = Folder(str(base / "sparsetime"))
    name = "selection_dtype.json"
    try:
        kept = json.loads(folder.read_bytes(name)) if folder.exists(name) else {}
    except ValueError:
        kept = {}
    if machine not in kept:
        kept[machine] = measured_ratio(torch.device(kind))
        with suppress(OSError):  # a read-only home only costs the measurement next time
            folder.write_json(name, kept)
    return float(kept[machine])


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        chip = torch.cuda.get_device_name(device)
    else:
        capability = torch.backends.cpu.get_cpu_capability()
        chip = f"{platform.machine()} {capability} {_cpu_model()} {torch.get_num_threads()} threads"
    return f"{chip}, torch {torch.__version__}"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
