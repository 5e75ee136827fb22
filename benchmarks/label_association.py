"""Associate the features of a synthetic index with labels and time it.

    python benchmarks/label_association.py --entries 10000000 --width 16384 --labels 50 --draws 200

Three fifths of the labels are categories of steps (2 to 40 values that last a geometric number of
steps), a fifth are numbers of steps, a fifth are labels of recordings. None is planted on a
feature, so at a false-discovery rate of 0.05 about none may be found. The last line is JSON:
seconds with the baseline of raw dimensions, what was found, and the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time

import numpy as np
import pyarrow as pa
import torch
from feature_lookup import SEQUENCES, synthetic

from sparsetime import seeds
from sparsetime.activations import StoreWriter
from sparsetime.features import label_features
from sparsetime.features.build_tables import EncodedStore
from sparsetime.features.index import FeatureIndex
from sparsetime.features.index_files import write_index
from sparsetime.files import Folder

D = 384


def write_store(out: str, coded: EncodedStore, labels: int):
    """Random activations with labels of steps and of recordings."""
    rng = seeds.numpy_generator(0, "planted labels")
    rows, sequences = coded.code.rows, len(coded.numbers)
    columns = {
        "sequence": pa.array(coded.sequence_of_row.astype(np.int32)),
        "position": pa.array(coded.segments.position.numpy().astype(np.int32)),
    }
    for label in range(labels * 4 // 5):
        change = rng.random(rows) < 1 / rng.integers(2, 50)
        change[coded.segments.offsets.numpy()[:-1]] = True  # no value crosses from half to half
        course = np.cumsum(change)
        if label % 4 == 3:
            columns[f"number {label}"] = pa.array(rng.gamma(2.0, size=course[-1] + 1)[course])
        else:
            values = rng.integers(0, rng.integers(2, 41), size=course[-1] + 1)[course]
            names = pa.array([f"value {n}" for n in range(40)])
            columns[f"category {label}"] = names.take(pa.array(values))
    of_sequences = [
        {f"recording {n}": f"kind {rng.integers(2 + n % 4)}" for n in range(labels // 5)}
        for _ in range(sequences)
    ]
    table = {
        "id": coded.ids,
        "length": coded.segments.numpy_lengths,
        "labels": [json.dumps(one) for one in of_sequences],
    }
    writer = StoreWriter(
        out, model_name="synthetic", model_hash="0", site="none", d=D, dtype="float16",
        unit="step", capture={},
    )  # fmt: skip
    generator = seeds.torch_generator(0, "random inputs")
    values = torch.randn(rows, D, generator=generator, dtype=torch.float32).half()
    writer.append(values, pa.table(columns), pa.table(table))
    return writer.finish()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--width", type=int, default=16_384)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--labels", type=int, default=50)
    parser.add_argument("--draws", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        for name, entries, width in (
            ("warm-up", 100_000, 64),
            ("timed", options.entries, options.width),
        ):
            coded = synthetic(entries, width, options.k)
            store = write_store(f"{out}/{name}/activations", coded, options.labels)
            folder = Folder(f"{out}/{name}/features")
            write_index(coded, folder, {}, {"model_name": "synthetic", "site": "none"})
            index = FeatureIndex(folder, folder.read_json("index.json"))
            began, cpu = time.perf_counter(), time.process_time()
            scores = label_features(index, store, draws=options.draws, progress=False)
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            q, p = (scores.table[name].to_numpy() for name in ("q", "p"))
    result = {
        "entries": len(coded.code.indices),
        "rows": coded.code.rows,
        "recordings": SEQUENCES,
        "width": options.width,
        "labels": options.labels,
        "draws": options.draws,
        "scores": len(q),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "found_at_q_0.05": int((q <= 0.05).sum()),
        "p_below_0.05": round(float((p <= 0.05).mean()), 4),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
