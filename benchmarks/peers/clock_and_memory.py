"""Seconds and memory of a process, on a CPU and on a GPU."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch


def seconds_each(work: Callable[[], Any], times: int) -> float:
    """Mean seconds of `times` calls in a row; a GPU is waited for before and after all of them."""
    wait_for_gpu()
    began = time.perf_counter()
    for _ in range(times):
        work()
    wait_for_gpu()
    return (time.perf_counter() - began) / times


def wait_for_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def allocated_on_gpu() -> int:
    """Bytes of the GPU's memory that tensors of this process hold."""
    if not torch.cuda.is_available():
        return 0
    gc.collect()
    return torch.cuda.memory_allocated()


def give_memory_back() -> None:
    """Collect what nothing refers to, and let the system have the pages."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def resident(which: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at its peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {which}")


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")
