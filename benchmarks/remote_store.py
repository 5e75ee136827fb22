"""Training from a remote store against training from a local one, with a delay of every request.

    python benchmarks/remote_store.py --delay 0.05 --repeats 5

A local HTTP server serves ranges of a store after a delay. The shuffle buffer holds a part of the
store alone, so that every epoch reads all of it again. The first training fetches; then local and
remote trainings alternate, and the ratio of their rows a second is printed with its range.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from harness.selection import add_selection_dtype

import sparsetime as st
from sparsetime import seeds
from sparsetime.activations import StoreWriter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from range_server import serving


def make_store(out: Path, rows: int, d: int) -> st.Store:
    """Sparse sums of atoms, so that training has something to learn."""
    generator = seeds.torch_generator(0, "random inputs")
    atoms = torch.nn.functional.normalize(torch.randn(4 * d, d, generator=generator), dim=1)
    writer = StoreWriter(
        out, model_name="", model_hash="", site="", d=d, dtype="float32", unit="step", capture={}
    )
    length, shard = 500, 1 << 14
    for start in range(0, rows, shard):
        count = min(shard, rows - start)
        on = torch.rand(count, 4 * d, generator=generator) < 16 / (4 * d)
        at = np.arange(start, start + count)
        steps = pa.table(
            {
                "sequence": (at // length).astype(np.int32),
                "position": (at % length).astype(np.int32),
            }
        )
        begun = [n for n in range(-(-rows // length)) if start <= n * length < start + count]
        table = pa.table(
            {
                "id": [str(n) for n in begun],
                "length": [min(length, rows - n * length) for n in begun],
            }
        )
        writer.append(on.float() @ atoms, steps, table)
    return writer.finish()


def rate(store: st.Store, out: Path, settings: argparse.Namespace) -> float:
    """Rows a second of a training from nothing."""
    sae = st.dictionary("topk", d_in=store.d, width=settings.width, k=16, seed=0)
    began = time.perf_counter()
    st.train(
        sae,
        store,
        out=out,
        rows=settings.rows,
        batch=1024,
        shuffle_buffer=settings.buffer,
        show=False,
    )
    return settings.rows / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=65_536)
    parser.add_argument("--d", type=int, default=256)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--buffer", default="16MB")
    add_selection_dtype(parser)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        local = make_store(root / "s", settings.rows, settings.d)
        with serving(root / "s", settings.delay) as server:
            rate(local, root / "warm", settings)  # compiles the kernels
            remote = st.open_store(server.url, cache=root / "cache")
            first = rate(remote, root / "first", settings)
            requests, size = len(server.asked), sum(n for _, n in server.asked)
            pairs = [
                (
                    rate(local, root / f"local{n}", settings),
                    rate(
                        st.open_store(server.url, cache=root / "cache"),
                        root / f"remote{n}",
                        settings,
                    ),
                )
                for n in range(settings.repeats)
            ]
            later = sum(n for name, n in server.asked[requests:] if name.endswith("safetensors"))
    ratios = [away / here for here, away in pairs]
    here = statistics.median(here for here, _ in pairs)
    print(f"store: {settings.rows:,} rows of width {settings.d}, buffer {settings.buffer}")
    print(f"local: {here:,.0f} rows/s (median of {settings.repeats})")
    print(f"first pass: {first / here:.2f} of local; {requests} requests, {size / 1e6:.0f} MB")
    print(
        f"later passes: {statistics.median(ratios):.2f} of local (range {min(ratios):.2f} to "
        f"{max(ratios):.2f}), {later:,} bytes of activations fetched"
    )


if __name__ == "__main__":
    main()
