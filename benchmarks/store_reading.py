"""Is reading shuffled rows from a store larger than memory as fast as training needs?

    python benchmarks/store_reading.py [--rows 1000000] [--d 512] [--share 0.1] [--rounds 5]

A store of float16 rows is written to a temporary folder, and read in shuffled batches with a
buffer of `--share` of its size, in a fresh process. The operating system is asked to drop the
files before every round, so that they come from the disk. After that, TopK steps on one batch tell
how many rows a second training takes. The last line is JSON: rows a second of both, their ratio,
and by how much the process grew while it read. --keep also writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.figures import conclude, machine, quartiles, spread, table
from harness.selection import add_selection_dtype

from sparsetime import seeds

SHARD_ROWS = 65_536


def write_store(folder: Path, rows: int, d: int) -> None:
    import numpy as np
    import pyarrow as pa
    import torch

    from sparsetime.activations import StoreWriter

    writer = StoreWriter(
        folder,
        model_name="none",
        model_hash="none",
        site="none",
        d=d,
        dtype="float16",
        unit="step",
        capture={},
    )
    for number, start in enumerate(range(0, rows, SHARD_ROWS)):
        count = min(SHARD_ROWS, rows - start)
        steps = {
            "sequence": np.full(count, number, np.int32),
            "position": np.arange(count, dtype=np.int32),
        }
        sequences = {"id": [str(number)], "length": np.array([count], np.int64)}
        generator = seeds.torch_generator(0, "random inputs", number)
        values = torch.randn(count, d, generator=generator).half()
        writer.append(values, pa.table(steps), pa.table(sequences))
    writer.finish()


def forget(folder: Path) -> None:
    """Tell the operating system that the files' pages are not wanted any more."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def resident(what: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def measure(options: argparse.Namespace) -> None:
    """In a process of its own, so that its peak memory is that of reading."""
    import sparsetime as st
    from sparsetime import Batch
    from sparsetime.dictionaries import init_from_data
    from sparsetime.kernels.precision import selection_dtype
    from sparsetime.training import DictionaryTrainable, TrainConfig

    store = st.open_store(options.store)
    memory = int(options.share * options.rows * options.d * 2)
    next(iter(store.rows(options.batch, memory=options.batch * options.d * 2)))  # imports, opens
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    reading = []
    for number in range(options.rounds):
        forget(Path(options.store))
        began, seen = time.perf_counter(), 0
        for batch in store.rows(options.batch, seed=number, memory=memory):
            seen += len(batch)
        reading.append(seen / (time.perf_counter() - began))
        assert seen == options.rows
    grown = resident("VmHWM") - before
    batch = next(iter(store.rows(options.batch, memory=memory))).float()
    sae = st.dictionary("topk", d_in=options.d, width=8192, k=32)
    init_from_data(sae, batch)
    config = TrainConfig(rows=options.batch * 1000, batch=options.batch)
    trainable = DictionaryTrainable(sae, config, selection_dtype(batch.device))
    training = []
    for number in range(3 + options.rounds):
        began = time.perf_counter()
        trainable.step(Batch(batch), number)
        training.append(len(batch) / (time.perf_counter() - began))
    print(
        json.dumps({"reading": reading, "training": training[3:], "grown": grown, "memory": memory})
    )


def main() -> None:
    options = arguments()
    if options.store:
        measure(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_store(Path(folder) / "store", options.rows, options.d)
        again = [sys.executable, __file__, *sys.argv[1:], "--store", str(Path(folder) / "store")]
        done = subprocess.run(again, check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    result = {
        "benchmark": "store_reading",
        **{key: getattr(options, key) for key in ("rows", "d", "batch", "share", "rounds")},
        "machine": machine(),
        "reading_rows_per_s": quartiles(measured["reading"]),
        "training_rows_per_s": quartiles(measured["training"]),
        "reading_over_training": quartiles(
            [a / b for a, b in zip(measured["reading"], measured["training"], strict=True)]
        ),
        "store_bytes": options.rows * options.d * 2,
        "buffer_bytes": measured["memory"],
        "grown_bytes": measured["grown"],
    }
    rows = [
        ["reading, rows a second", spread(result["reading_rows_per_s"])],
        ["training, rows a second", spread(result["training_rows_per_s"])],
        ["reading over training", spread(result["reading_over_training"])],
        [
            "growth of the process over the store",
            f"{measured['grown'] / result['store_bytes']:.2f}",
        ],
    ]
    conclude("store_reading", result, table(["", ""], rows), options.keep)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--share", type=float, default=0.1, help="of the store, held in memory")
    parser.add_argument("--rounds", type=int, default=5)
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    parser.add_argument("--store", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
