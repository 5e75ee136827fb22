"""Memory that an index of a wide dictionary takes while it is built.

    python benchmarks/index_memory.py --width 131072 --tokens 1000000 --k 64 [--keep]

A text of made words is stored, and the codes that a dictionary would give (few frequent latents,
most rare) are kept in files, so that they cost no memory of their own. In a process of its own a
dictionary of that width and of --d dimensions encodes its first rows, and the index is built from
the codes of all tokens. A second process opens the run in the explorer's server and asks for its
list of features. The last line is JSON: the largest resident memory of the first process before,
after the first encoding, and at the end, in GB; seconds of the first and second list, on the clock
and of the processor, which other work on the machine does not lengthen. --keep writes it to
benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from feature_lookup import synthetic
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype

import sparsetime as st
from sparsetime import SparseCode, seeds
from sparsetime.activations.store.writer import StoreWriter
from sparsetime.features.code_source import CodeSource

ENCODED = 4096  # rows that the dictionary itself encodes
# Of the run within --folder, as the explorer finds them.
STORE, INDEX = "run/activations", "run/replayed/features"


def make(folder: Path, tokens: int, width: int, k: int) -> None:
    """The store of a text, and the code of its steps in files."""
    coded = synthetic(tokens * k, width, k)
    names = {"offsets": coded.code.offsets, "indices": coded.code.indices}
    for name, values in {**names, "values": coded.code.values}.items():
        np.save(folder / f"{name}.npy", values.numpy())
    writer = StoreWriter(
        str(folder / STORE), d=1, dtype="float32", capture={}, model_name="made",
        model_hash="a" * 64, site="layer", unit="token",
    )  # fmt: skip
    offsets = coded.segments.offsets
    for number, (begin, end) in enumerate(pairwise(offsets)):
        words = [f"word{i}" for i in coded.word_of_row[begin:end]]
        ends = np.cumsum([len(word) + 1 for word in words])
        starts = np.append(0, ends[:-1])
        steps = {
            "sequence": np.full(len(words), number, np.int32),
            "position": np.arange(len(words), dtype=np.int32),
            "char_start": starts.astype(np.int32),
            "char_end": (ends - 1).astype(np.int32),
        }
        row = {"id": [str(int(begin))], "length": [len(words)], "labels": ["{}"]}
        row["text"] = [" ".join(words)]
        writer.append(torch.zeros(len(words), 1), pa.table(steps), pa.table(row))
    writer.finish()


class Replayed(CodeSource):
    """The codes in files, and the memory of the dictionary that would give them."""

    kind = "arrays"
    name = "replayed"

    def __init__(self, folder: Path, width: int, d: int, k: int) -> None:
        self.width, self.fingerprint, self.row = width, "0" * 64, 0
        self.folder, self.offsets = folder, np.load(folder / "offsets.npy")
        self.dictionary = st.dictionary("topk", d_in=d, width=width, k=k)
        self.dictionary.eval()

    def encode_some(self) -> None:
        with torch.no_grad():
            generator = seeds.torch_generator(0, "random inputs")
            rows = torch.randn(ENCODED, self.dictionary.d_in, generator=generator)
            for some in rows.split(2048):
                self.dictionary.encode(some)

    def code(self, sequence: Any) -> SparseCode:
        first, self.row = self.row, self.row + len(sequence)
        offsets = self.offsets[first : self.row + 1]
        begin, end = offsets[0], offsets[-1]
        indices, values = (self.part(name, begin, end) for name in ("indices", "values"))
        shape = (len(sequence),)
        return SparseCode(torch.from_numpy(offsets - begin), indices, values, self.width, shape)

    def part(self, name: str, begin: int, end: int) -> torch.Tensor:
        """A stretch of an array. Mapped for it alone: pages stay in memory with their mapping."""
        return torch.from_numpy(np.array(np.load(self.folder / f"{name}.npy", "r")[begin:end]))


def peak() -> float:
    """The largest resident memory of this process so far, in GB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1e6, 2)


def build(folder: Path, width: int, d: int, k: int) -> None:
    """Build the index and print what it took; runs in a process of its own."""
    results = {"imports": peak()}
    source = Replayed(folder, width, d, k)
    source.encode_some()
    results["dictionary and encoding"] = peak()
    began = time.perf_counter()
    index = st.index(source, st.open_store(folder / STORE), out=folder / INDEX, progress=False)
    results["whole"] = peak()
    results["seconds"] = round(time.perf_counter() - began, 1)
    results["entries"] = index.record["entries"]
    print(json.dumps(results))


def time_lists(folder: Path) -> None:
    """Print the seconds of the explorer's list of features; runs in a process of its own."""
    from fastapi.testclient import TestClient

    from sparsetime.explorer.server.app import make_app
    from sparsetime.explorer.workbench.workbench import Workbench

    results: dict[str, Any] = {}
    with TestClient(make_app(Workbench(folder / "run")), base_url="http://localhost") as client:
        client.get("/api/run").raise_for_status()
        for name in ("first list", "second list"):
            clock, processor = time.perf_counter(), time.process_time()
            client.get("/api/dictionaries/replayed/features").raise_for_status()
            results[f"{name}, seconds"] = round(time.perf_counter() - clock, 2)
            results[f"{name}, of the processor"] = round(time.process_time() - processor, 2)
    print(json.dumps(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=int, default=131_072)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--d", type=int, default=768)
    parser.add_argument("--k", type=int, default=64)
    parser.add_argument("--folder", help="where store and codes are kept; made if need be")
    for part in ("--build", "--list"):
        parser.add_argument(part, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    add_selection_dtype(parser)
    options = parser.parse_args()
    folder = Path(options.folder or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    if options.build:
        build(folder, options.width, options.d, options.k)
        return
    if options.list:
        time_lists(folder)
        return
    if not (folder / STORE / "manifest.json").exists():
        make(folder, options.tokens, options.width, options.k)
    sizes = [f"--{n}={getattr(options, n)}" for n in ("width", "d", "k")]
    results: dict[str, Any] = {}
    for part in ("--build", "--list"):
        command = [sys.executable, __file__, part, f"--folder={folder}", *sizes]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        results |= json.loads(done.stdout.splitlines()[-1])
    about = {n: getattr(options, n) for n in ("width", "tokens", "d", "k")}
    result = {"machine": machine(), **about, **results}
    rows = [[name, str(value)] for name, value in results.items()]
    conclude(
        "index_memory",
        result,
        table(["largest resident memory in GB; seconds", "value"], rows),
        options.keep,
    )


if __name__ == "__main__":
    main()
