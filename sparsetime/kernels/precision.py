"""Measured choice of the dtype in which selection multiplies."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

import torch

from sparsetime import seeds
from sparsetime.errors import SparsetimeError
from sparsetime.files import Folder
from sparsetime.files.checksum import check
from sparsetime.files.formats import parsed
from sparsetime.files.user_cache import user_cache
from sparsetime.kernels.selection_rules import LEAST_OF_INTEGERS, TopKRule

# Ratio of times below which lower precision is used.
_WORTH = 0.7
_VERSION = 1  # schema of the file of measured ratios
_DTYPES = {"bfloat16": torch.bfloat16, "int8": torch.int8}
_SHAPE, _K = (1024, 512, 4096), 32


def selection_dtype(device: torch.device, width: int | None = None) -> torch.dtype:
    """The fastest dtype for selection products on `device`; float32 unless clearly slower.

    width: of a product that need not be exact. A narrow one is in bfloat16 where that is fast: it
    takes less than integers, of which some more entries are selected, and then computed exactly.

    The first call on a machine measures for a second and stores the ratios in the user's cache
    folder, so that later runs use the same dtype.
    """
    ratios = _kept_ratios(device.type, _machine(device))
    narrow = width is not None and width < LEAST_OF_INTEGERS
    if narrow and ratios.get("bfloat16", 1.0) < _WORTH:
        return torch.bfloat16
    name = min(ratios, key=lambda name: ratios[name])
    return _DTYPES[name] if ratios[name] < _WORTH else torch.float32


def measured_ratios(device: torch.device) -> dict[str, float]:
    """Median time of a selection in each dtype over that in float32, measured in turn.

    On a GPU, of the product alone. On a CPU, 8-bit integers select a quarter more, as they do.
    """
    dtypes = [torch.float32, torch.bfloat16]
    if device.type == "cpu":
        dtypes.append(torch.int8)
    rows, d, width = _SHAPE
    work = _selection if device.type == "cpu" else _product
    products = {dtype: work(rows, d, width, dtype, device) for dtype in dtypes}
    for product in products.values():
        product()  # with what is compiled and allocated at first
    times: dict[torch.dtype, list[float]] = {dtype: [] for dtype in dtypes}
    for _ in range(9):
        for dtype, product in products.items():
            start = time.perf_counter()
            product()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times[dtype].append(time.perf_counter() - start)
    medians = {dtype: sorted(times[dtype])[4] for dtype in dtypes}
    return {
        str(dtype).removeprefix("torch."): medians[dtype] / medians[torch.float32]
        for dtype in dtypes[1:]
    }


def _product(
    rows: int, d: int, width: int, dtype: torch.dtype, device: torch.device
) -> Callable[[], Any]:
    a = torch.ones(rows, d, dtype=dtype, device=device)
    b = torch.ones(width, d, dtype=dtype, device=device)
    out = torch.empty(rows, width, dtype=dtype, device=device)
    return lambda: torch.mm(a, b.T, out=out)


@cache
def _multiplies_matrices() -> bool:
    # Imports compiled loops, which a product follows, and the import of a dictionary need not load.
    from sparsetime.kernels.quantised_weights import multiplies_matrices

    return multiplies_matrices()


def _selection(
    rows: int, d: int, width: int, dtype: torch.dtype, device: torch.device
) -> Callable[[], Any]:
    from sparsetime.kernels.cpu_select import select  # compiled loops, which measuring alone needs

    generator = seeds.torch_generator(0, "random inputs", "selection")
    a, b = (torch.randn(n, d, generator=generator) for n in (rows, width))
    rule, bias = TopKRule(_K + (_K // 4) * (dtype == torch.int8)), torch.zeros(width)
    return lambda: select(a, b, bias, rule, dtype)


@cache
def _kept_ratios(kind: str, machine: str) -> dict[str, float]:
    folder = Folder(str(user_cache("")))
    name = "selection_dtypes.json"
    stored, verified = _stored_ratios(folder, name)
    ratios = stored.get(machine)
    if verified and _is_measurement(ratios):
        return ratios
    kept = ratios if _is_measurement(ratios) else measured_ratios(torch.device(kind))
    with suppress(OSError, SparsetimeError):  # with a read-only home every process measures
        folder.write_json(name, {**stored, machine: kept}, _VERSION)
    return kept


def _stored_ratios(folder: Folder, name: str) -> tuple[dict[str, Any], bool]:
    """What is stored by machine, and whether it has a checksum; empty where it is damaged."""
    try:
        data, where = folder.read_bytes(name), f"{folder.url}/{name}"
        version, stored = check(data, where, _VERSION), parsed(data, where)
    except (OSError, SparsetimeError):
        return {}, False
    return (stored, version is not None) if isinstance(stored, dict) else ({}, False)


def _is_measurement(ratios: Any) -> TypeGuard[dict[str, float]]:
    """Whether a stored value is one that `measured_ratios` returned."""
    return (
        isinstance(ratios, dict)
        and len(ratios) > 0
        and ratios.keys() <= _DTYPES.keys()
        and all(isinstance(ratio, float) and ratio > 0 for ratio in ratios.values())
    )


def _machine(device: torch.device) -> str:
    if device.type == "cuda":
        chip = torch.cuda.get_device_name(device)
    else:
        capability = torch.backends.cpu.get_cpu_capability()
        # Both are named: ratios stored under neither are of the product alone, without selection.
        capability += " AMX" if _multiplies_matrices() else " no AMX"
        chip = f"{platform.machine()} {capability} {_cpu_model()} {torch.get_num_threads()} threads"
    return f"{chip}, torch {torch.__version__}"


@cache  # read for each step of a stream otherwise
def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
