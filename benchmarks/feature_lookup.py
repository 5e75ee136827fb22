"""Build a feature index over a synthetic code and time its look-ups.

    python benchmarks/feature_lookup.py --entries 10000000

The code is what a dictionary gives on text: few latents a step, a few of them frequent and most
rare (a power law), some lasting and some not. The last line is JSON: seconds to make and write
the index, milliseconds for one feature's top 20 moments and for one sequence's code (features and
sequences drawn at random, every look-up a different one), and the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time

import duckdb
import numpy as np
import torch

from sparsetime import Segments, SparseCode, seeds
from sparsetime.codes import offsets_of
from sparsetime.features import FeatureIndex, timescales
from sparsetime.features.build_tables import EncodedStore
from sparsetime.features.index_files import write_index
from sparsetime.files import Folder

SEQUENCES = 500
VOCABULARY = 20_000


def synthetic(entries: int, width: int, k: int) -> EncodedStore:
    """A code with about `entries` entries in runs of geometric length."""
    rng = seeds.numpy_generator(0, "planted codes")
    rows = entries // k
    stay = rng.choice([0.0, 0.5, 0.9, 0.98], size=width)
    # Mean run length 1 / (1 - stay); as many runs as give k active latents a step.
    share = 1 / (np.arange(width) + 20.0)
    weight = share * (1 - stay)
    mean_length = (weight / (1 - stay)).sum() / weight.sum()
    runs = int(entries / mean_length)
    feature = rng.choice(width, size=runs, p=weight / weight.sum())
    length = rng.geometric(1 - stay[feature])
    start = rng.integers(0, rows, size=runs)
    row = (
        np.repeat(start, length)
        + np.arange(length.sum())
        - np.repeat(np.cumsum(length) - length, length)
    )
    key = np.unique((row * width + np.repeat(feature, length))[row < rows])
    values = rng.gamma(2.0, size=len(key)).astype(np.float32)
    code = SparseCode(
        offsets_of(torch.from_numpy(key // width), rows),
        torch.from_numpy(key % width),
        torch.from_numpy(values),
        width,
        (rows,),
    )
    word = np.minimum(rng.zipf(1.2, size=rows), VOCABULARY) - 1
    return EncodedStore(
        code=code,
        numbers=np.arange(SEQUENCES),
        ids=[f"document {i}" for i in range(SEQUENCES)],
        segments=Segments(torch.linspace(0, rows, SEQUENCES + 1, dtype=torch.float64).long()),
        word_of_row=word,
        words=[f"word{i}" for i in range(VOCABULARY)],
        groups=(width // 5, width),
    )


def timed(look_up, arguments) -> dict[str, float]:
    milliseconds = []
    for argument in arguments:
        began = time.perf_counter()
        look_up(int(argument))
        milliseconds.append((time.perf_counter() - began) * 1e3)
    return {
        "median_ms": round(float(np.median(milliseconds)), 2),
        "p95_ms": round(float(np.quantile(milliseconds, 0.95)), 2),
    }


def seconds(work) -> float:
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--lookups", type=int, default=300)
    options = parser.parse_args()
    small = synthetic(100_000, 64, options.k)
    timescales.half_life(small.code, small.segments)  # compiles the loops
    coded = synthetic(options.entries, options.width, options.k)
    code, segments = coded.code, coded.segments
    rng = seeds.numpy_generator(0, "requests")
    with tempfile.TemporaryDirectory() as out:
        folder = Folder(out)
        result = {
            "entries": len(code.indices),
            "width": options.width,
            "rows": code.rows,
            "runs_s": seconds(lambda: timescales.runs(code, segments)),
            "half_life_s": seconds(lambda: timescales.half_life(code, segments)),
            "build_s": seconds(lambda: write_index(coded, folder, {}, {})),
            "bytes": sum(folder.size(name) for name in folder.names()),
        }
        index = FeatureIndex(folder, folder.read_json("index.json"))
        index.examples(0)  # opens the file and reads its list of row groups
        fires = np.flatnonzero(index.features["count"].to_numpy() >= 20)
        result["moments"] = timed(index.examples, rng.choice(fires, options.lookups))
        result["moments_of_the_20_densest"] = timed(
            index.examples, np.argsort(-index.features["count"].to_numpy())[:20]
        )
        result["sequence"] = timed(index.sequence, rng.integers(0, SEQUENCES, options.lookups))
        index.close()
    result["machine"] = {
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
