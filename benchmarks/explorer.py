"""How soon the explorer's server answers on a run of 16,384 features and ten million codes.

    python benchmarks/explorer.py --entries 10000000

The run is synthetic (the code of `feature_lookup.py`, over made-up words) and written again in a
temporary folder, or kept in the one that --run names, for `explorer_browser.py --run` and
`explorer_load.py --run`. Features, sequences and segments are drawn at random, each request a
different one, after the process is warm. A first comparison is of two random dictionaries as wide.
The last line is JSON: milliseconds for each route, and for all of them, through the whole
application. --keep also writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from fastapi.testclient import TestClient
from harness.figures import conclude, machine, table
from harness.synthetic_run import D, about_run, make_run

from sparsetime import seeds
from sparsetime.explorer import Workbench
from sparsetime.explorer.server.app import make_app
from sparsetime.features.nearest_atoms import nearest

KEY = "synthetic"
SEGMENT = 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--width", type=int, default=16_384)
    parser.add_argument("--requests", type=int, default=60, help="of each kind")
    parser.add_argument("--run", help="a folder to make the run in, or where it was made before")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        run = options.run or temporary
        if not Path(run, KEY, "features", "index.json").exists():
            make_run(run, options.entries, options.width)
        result = {"benchmark": "explorer", "run": about_run(run), **answers(run, options.requests)}
    result["comparison"] = first_comparison(options.width)
    result["machine"] = machine()
    routes = [
        [name, str(milliseconds["median_ms"]), str(milliseconds["p95_ms"])]
        for name, milliseconds in result["answers"].items()
    ]
    conclude("explorer", result, table(["answer", "median, ms", "95%, ms"], routes), options.keep)


def answers(run: str, requests: int) -> dict[str, Any]:
    """Of every kind of question: the median and the 95th percentile of the time it takes."""
    began = time.perf_counter()
    workbench = Workbench(run)
    index = workbench.opened.dictionary(KEY).index
    opened_s = round(time.perf_counter() - began, 2)
    by_route: dict[str, dict[str, float]] = {}
    all_milliseconds: list[float] = []
    with TestClient(make_app(workbench), base_url="http://localhost") as client:
        for name, address in questions(index).items():
            client.get(address()).raise_for_status()
            taken = []
            for _ in range(requests):
                path = address()
                began = time.perf_counter()
                client.get(path).raise_for_status()
                taken.append((time.perf_counter() - began) * 1e3)
            all_milliseconds += taken
            by_route[name] = quantiles(taken)
    by_route["all"] = quantiles(all_milliseconds)
    memory_mb = round(psutil.Process().memory_info().rss / 1e6)
    return {"opened_s": opened_s, "memory_mb": memory_mb, "answers": by_route}


def questions(index) -> dict[str, Callable[[], str]]:
    """By name: how to ask something that was not asked before."""
    rng = seeds.numpy_generator(0, "requests")
    base = f"/api/dictionaries/{KEY}"
    fires = np.flatnonzero(index.features["count"].to_numpy())
    sequences = index.sequences["sequence"].to_numpy()
    length = int(index.sequences["length"].to_numpy().min())

    def feature() -> str:
        return f"{base}/features/{rng.choice(fires)}"

    def sequence() -> str:
        return f"{base}/sequences/{rng.choice(sequences)}"

    def segment() -> str:
        first = int(rng.integers(0, length - SEGMENT))
        return f"?first={first}&stop={first + SEGMENT}"

    return {
        "run": lambda: "/api/run",
        "features": lambda: f"{base}/features?words=word{rng.integers(0, 99)}&sort=dwell",
        "filtered": lambda: f"{base}/features?dwell_min={rng.uniform(1, 4):.3f}",
        "feature": feature,
        "coactivation": lambda: f"{feature()}/coactivation",
        "words": lambda: f"{sequence()}/words",
        "score": lambda: f"{sequence()}/timeline{segment()}&reach={2 * SEGMENT}",
        "specific": lambda: f"{sequence()}/specific{segment()}",
    }


def first_comparison(width: int) -> dict[str, float]:
    """Seconds to match two dictionaries that nobody has matched before; half of them are alike."""
    generator = seeds.torch_generator(0, "random inputs")
    left, right = torch.randn(2, width, D, generator=generator)
    right[: width // 2] = left[: width // 2] + 0.5 * right[: width // 2]
    sides = [torch.nn.functional.normalize(side, dim=1) for side in (left, right)]
    nearest(*(side[:64] for side in sides))  # what is loaded once
    began, worked = time.perf_counter(), time.process_time()
    nearest(sides[0], sides[1])
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "processor_s": round(time.process_time() - worked, 2),
    }


def quantiles(milliseconds: list[float]) -> dict[str, float]:
    median, high = np.quantile(milliseconds, [0.5, 0.95])
    return {"median_ms": round(float(median), 1), "p95_ms": round(float(high), 1)}


if __name__ == "__main__":
    main()
