"""How soon the explorer's server answers on a run of 16,384 features and ten million codes.

    python benchmarks/explorer.py --entries 10000000

The run is synthetic (the code of `feature_lookup.py`, over made-up words). Features, sequences and
stretches are drawn at random, each request a different one, after the process is warm. The last
line is JSON: milliseconds for each route, and for all of them, through the whole application.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time

import numpy as np
import psutil
import pyarrow as pa
import torch
from fastapi.testclient import TestClient
from feature_lookup import SEQUENCES, synthetic

import sparsetime
from sparsetime.activations.writer import StoreWriter
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features.layout import write_index
from sparsetime.features.subject import subject_of
from sparsetime.files import Folder

D = 16
NAME = "synthetic"


def write_store(out, coded):
    """Rows without meaning under words of known places."""
    writer = StoreWriter(
        out, model_name="synthetic", model_hash="0", site="none", d=D, dtype="float16",
        unit="token", capture={},
    )  # fmt: skip
    words = [f"{coded.words[w]} " for w in coded.word_of_row]
    lengths = np.diff(coded.offsets)
    texts, start, end = [], [], []
    for a, b in zip(coded.offsets[:-1], coded.offsets[1:], strict=True):
        size = np.array([len(word) for word in words[a:b]])
        end.append(np.cumsum(size) - 1)
        start.append(np.cumsum(size) - size)
        texts.append("".join(words[a:b]))
    steps = pa.table(
        {
            "sequence": pa.array(coded.sequence_of_row.astype(np.int32)),
            "position": pa.array(coded.position_of_row.astype(np.int32)),
            "char_start": pa.array(np.concatenate(start).astype(np.int32)),
            "char_end": pa.array(np.concatenate(end).astype(np.int32)),
        }
    )
    sequences = pa.table(
        {"id": coded.ids, "length": lengths, "text": pa.array(texts, pa.large_string())}
    )
    writer.append(torch.zeros(coded.code.rows, D, dtype=torch.float16), steps, sequences)
    return writer.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--width", type=int, default=16_384)
    parser.add_argument("--requests", type=int, default=60, help="of each kind")
    given = parser.parse_args()
    coded = synthetic(given.entries, given.width, 32)
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as run:
        store = write_store(f"{run}/activations", coded)
        sae = sparsetime.dictionary("topk", d_in=D, width=given.width, k=32)
        sae.save(f"{run}/{NAME}")
        about = {"dictionary": "topk", "model_name": store.model_name, "model_hash": "0",
                 "site": store.site, "unit": "token"}  # fmt: skip
        write_index(coded, Folder(f"{run}/{NAME}/features"), subject_of(sae, store), about)
        began = time.perf_counter()
        workbench = Workbench(run)
        opened_s = time.perf_counter() - began
        length = int(np.diff(coded.offsets).min())
        fires = np.flatnonzero(np.bincount(coded.code.indices.numpy(), minlength=given.width))
        base = f"/api/dictionaries/{NAME}"

        def feature() -> int:
            return int(rng.choice(fires))

        def stretch() -> str:
            first = int(rng.integers(0, length - 128))
            return f"?first={first}&stop={first + 128}"

        def sequence() -> str:
            return f"{base}/sequences/{rng.integers(0, SEQUENCES)}"

        kinds = {
            "run": lambda: "/api/run",
            "features": lambda: f"{base}/features?words=word{rng.integers(0, 99)}&sort=dwell",
            "filtered": lambda: f"{base}/features?dwell_min={rng.uniform(1, 4):.3f}",
            "feature": lambda: f"{base}/features/{feature()}",
            "company": lambda: f"{base}/features/{feature()}/company",
            "words": lambda: f"{sequence()}/words",
            "score": lambda: f"{sequence()}/score{stretch()}&reach=256",
            "specific": lambda: f"{sequence()}/specific{stretch()}",
        }
        result = {"entries": len(coded.code.indices), "width": given.width}
        result["opened_s"] = round(opened_s, 2)
        every = []
        with TestClient(make_app(workbench), base_url="http://localhost") as client:
            for name, address in kinds.items():
                client.get(address()).raise_for_status()
                taken = []
                for _ in range(given.requests):
                    path = address()
                    began = time.perf_counter()
                    client.get(path).raise_for_status()
                    taken.append((time.perf_counter() - began) * 1e3)
                every += taken
                result[name] = quantiles(taken)
        result["all"] = quantiles(every)
        result["memory_mb"] = round(psutil.Process().memory_info().rss / 1e6)
    result["machine"] = {"cpus": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps(result))


def quantiles(milliseconds: list[float]) -> dict[str, float]:
    median, high = np.quantile(milliseconds, [0.5, 0.95])
    return {"median_ms": round(float(median), 1), "p95_ms": round(float(high), 1)}


if __name__ == "__main__":
    main()
