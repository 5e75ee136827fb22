"""Output of every benchmark: quartiles, the machine, a table, a file of results."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "results"


def quartiles(numbers: list[float]) -> dict[str, float]:
    if len(numbers) == 1:
        numbers = numbers * 2
    low, middle, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return {key: float(f"{x:.4g}") for key, x in (("q1", low), ("median", middle), ("q3", high))}


def exponent(sizes: list[float], seconds: list[float]) -> float | None:
    """The slope of log seconds over log size, by least squares."""
    if len(sizes) < 2:
        return None
    slope = statistics.linear_regression(
        [math.log(s) for s in sizes], [math.log(s) for s in seconds]
    )
    return round(slope.slope, 3)


def machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    about = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    flags = about.get("flags", "").split()
    return {
        "cpu": about.get("model name", platform.processor()),
        "cores": os.cpu_count(),
        "bf16": [flag for flag in ("avx512_bf16", "amx_bf16") if flag in flags],
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
    }


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, numbers to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def spread(values: dict[str, float], scale: float = 1.0) -> str:
    """Median (first quartile to third)."""
    low, middle, high = (f"{values[key] * scale:.3g}" for key in ("q1", "median", "q3"))
    return f"{middle} ({low} to {high})"


def kept(name: str, runs: list[dict[str, Any]], identity: tuple[str, ...]) -> list[dict[str, Any]]:
    """The runs of benchmarks/results/ whose identity is none of the given runs', then these.

    identity: keys that together name one run.
    """
    path = RESULTS / f"{name}.json"
    earlier = json.loads(path.read_text())["runs"] if path.exists() else []
    new = {tuple(run[key] for key in identity) for run in runs}
    return [run for run in earlier if tuple(run[key] for key in identity) not in new] + runs


def conclude(name: str, result: dict[str, Any], markdown: str, keep: bool) -> None:
    """Print the table and, last, one line of JSON; where asked, keep both beside each other."""
    if keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
        (RESULTS / f"{name}.md").write_text(markdown + "\n")
    print(f"\n{markdown}\n")
    print(json.dumps(result))
