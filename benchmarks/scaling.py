"""How a TopK step's time and memory grow with width, k, rows, and dictionaries in one pass.

    python benchmarks/scaling.py
    python benchmarks/scaling.py --only point --width 131072 --d 768 --batch 4096 \
        --libraries sparsetime,sae_lens
    python benchmarks/scaling.py --only point --width 1048576 --d 384 --batch 2048

Sizes of one sweep take turns, in an order drawn again each round; memory is each size's in a fresh
process (see benchmarks/peers/serve.py). `exponent` is the slope of log time over log size: 1 is
proportional. Dictionaries in one pass are trained by `sparsetime.train`, whose own log has the
time. A point is one size, alone, for time and memory. The last line is JSON; --keep also writes it
to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from typing import Any

from harness.data import synthetic
from harness.figures import conclude, exponent, machine, quartiles, spread, table
from harness.selection import add_selection_dtype
from harness.workers import Worker, WorkerError

from sparsetime import seeds

SWEEPS = ("width", "k", "batch", "several")


def sweep(axis: str, sizes: list[int], options: argparse.Namespace, data: str) -> dict[str, Any]:
    """Step times over one setting, and memory beyond weights and Adam."""
    base = {"recipe": "topk", "data": data, "width": options.width, "k": options.k}
    tasks = {size: {**base, "batch": options.batch, axis: size} for size in sizes}
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    with Worker("sparsetime", options.threads) as worker:
        for size, task in tasks.items():
            worker.ask("make", name=str(size), task=task)
            worker.ask("step", name=str(size), n=options.warm_up)
        order = seeds.numpy_generator(0, "order of measurements")
        for _ in range(options.rounds):
            for size in order.permutation(sizes).tolist():
                seconds[size] += worker.ask("step", name=str(size))["seconds"]
    points = {}
    for size, task in tasks.items():
        with Worker("sparsetime", options.threads) as worker:
            beyond = worker.ask("memory", task=task)["beyond_bytes"]
        points[size] = {"seconds": quartiles(seconds[size]), "beyond_bytes": beyond}
    medians = [points[size]["seconds"]["median"] for size in sizes]
    return {"points": points, "exponent": exponent([float(size) for size in sizes], medians)}


def several(options: argparse.Namespace, data: str) -> dict[str, Any]:
    """Seconds a step of 1, 2, 4 and 8 dictionaries of one width and other k, in one pass."""
    import torch
    from safetensors.torch import load_file

    torch.set_num_threads(options.threads)
    rows = load_file(data)["activations"]
    counts = [1, 2, 4, 8]
    steps = options.rounds
    seconds: dict[int, list[float]] = {count: [] for count in counts}
    one_pass(1, rows, steps, options)  # compiles the kernels
    order = seeds.numpy_generator(0, "order of measurements", "counts")
    for _ in range(options.repeats):
        for count in order.permutation(counts).tolist():
            seconds[count].append(one_pass(count, rows, steps, options))
    points = {}
    for count in counts:
        ratios = [a / b for a, b in zip(seconds[count], seconds[1], strict=True)]
        points[count] = {"seconds": quartiles(seconds[count]), "times_one": quartiles(ratios)}
    medians = [points[count]["seconds"]["median"] for count in counts]
    return {"points": points, "exponent": exponent([float(count) for count in counts], medians)}


def one_pass(count: int, rows: Any, steps: int, options: argparse.Namespace) -> float:
    """Seconds a step, of the second half of twice `steps` steps."""
    import sparsetime as st

    dictionaries = [
        st.dictionary("topk", d_in=rows.shape[1], width=options.width, k=options.k + 4 * i)
        for i in range(count)
    ]
    with tempfile.TemporaryDirectory() as out:
        runs = st.train(
            dictionaries,
            rows,
            out=out,
            rows=2 * steps * options.batch,
            batch=options.batch,
            log_every=steps,
            checkpoint_every=10**9,
            dead_after=10**9,  # aux-k would otherwise begin within so short a run
            show=False,
        )
        middle, end = (max(run.metrics[i]["seconds"] for run in runs) for i in (0, 1))
    return (end - middle) / steps


def point(options: argparse.Namespace, data: str) -> dict[str, Any]:
    """One size, in a fresh process of each library."""
    task = {
        "recipe": options.recipe,
        "data": data,
        **{key: getattr(options, key) for key in ("width", "k", "batch")},
    }
    by_library: dict[str, Any] = {}
    for library in options.libraries.split(","):
        try:
            with Worker(library, options.threads) as worker:
                by_library[library] = worker.ask("memory", task=task, n=options.steps)
                by_library[library]["seconds"] = quartiles(by_library[library]["seconds"][1:])
                by_library[library]["versions"] = worker.ask("about")
        except WorkerError as error:
            by_library[library] = {"error": str(error)}
    return by_library


def main() -> None:
    options = arguments()
    # A point needs only a few batches, which at its size are large.
    data = str(synthetic(options.d, options.batch * (4 if options.only == "point" else 8)))
    result: dict[str, Any] = {
        "benchmark": "scaling",
        **{key: getattr(options, key) for key in ("d", "width", "k", "batch", "threads")},
        "machine": machine(),
        "sweeps": {},
    }
    sweeps = [options.only] if options.only else list(SWEEPS)
    lists = (options.widths, options.ks, options.batches)
    widths, ks, batches = ([int(x) for x in text.split(",")] for text in lists)
    for name in sweeps:
        if name == "width":
            result["sweeps"][name] = sweep("width", widths, options, data)
        elif name == "k":
            result["sweeps"][name] = sweep("k", ks, options, data)
        elif name == "batch":
            result["sweeps"][name] = sweep("batch", batches, options, data)
        elif name == "several":
            result["sweeps"][name] = several(options, data)
        else:
            result["point"] = point(options, data)
        print(f"{name} done", file=sys.stderr)
    name = f"scaling_{options.width}" if options.only == "point" else "scaling"
    conclude(name, result, markdown(result), options.keep)


def markdown(result: dict[str, Any]) -> str:
    tables = []
    for name, sweep in result["sweeps"].items():
        head = [name, "milliseconds", "times one" if name == "several" else "peak beyond, MiB"]
        rows = [
            [
                f"{size:,}",
                spread(measured["seconds"], 1e3),
                spread(measured["times_one"])
                if name == "several"
                else f"{measured['beyond_bytes'] / 2**20:,.0f}",
            ]
            for size, measured in sweep["points"].items()
        ]
        tables.append(f"{table(head, rows)}\n\nExponent: {sweep['exponent']}")
    if "point" in result:
        head = ["library", "seconds", "peak beyond, GiB", "weights and Adam, GiB", "process, GiB"]
        rows = []
        for library, measured in result["point"].items():
            if "error" in measured:
                rows.append([library, measured["error"], "", "", ""])
                continue
            sizes = (
                measured["beyond_bytes"],
                measured["weights_bytes"] + measured["adam_bytes"],
                measured["process_bytes"],
            )
            gib = [f"{size / 2**30:.2f}" for size in sizes]
            rows.append([library, spread(measured["seconds"]), *gib])
        tables.append(table(head, rows))
    return "\n\n".join(tables)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=(*SWEEPS, "point"), help="by default all but the point")
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--widths", default="4096,8192,16384,32768,65536,131072")
    parser.add_argument("--ks", default="8,16,32,64,128")
    parser.add_argument("--batches", default="512,1024,2048,4096,8192", help="rows of a step")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each number in one pass")
    parser.add_argument("--warm-up", type=int, default=4, help="steps left out")
    parser.add_argument("--steps", type=int, default=4, help="of a point; the first is left out")
    parser.add_argument("--recipe", default="topk", help="of a point")
    parser.add_argument("--libraries", default="sparsetime", help="of a point")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    return parser.parse_args()


if __name__ == "__main__":
    main()
