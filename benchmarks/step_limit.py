"""How near a training step is to what the machine allows.

    python benchmarks/step_limit.py [--recipe topk] [--width 8192] [--k 32] [--rounds 11]

The limit of a step is the time of its products at the measured peak, plus the time of its bytes at
the measured bandwidth. Nothing overlaps, every pass reads its operands once, and what one pass can
compute along with another costs nothing: the errors of a row and their products with its atoms, or
a gradient, its norm and its projection.

    limit = multiply-adds / peak + Σ_kinds bytes / bandwidth

Bandwidth is measured for two kinds of bytes: `streamed`, arrays of the size of the weights, read
and written in order; and `rows`, whole rows of a matrix of that size, read in random order, as sums
over a code read them. The peak is that of a product of the selection's dtype, with its output, or
without it where entries are selected within the product. All are measured in turn with the step, on
as many threads. The last line is JSON; --keep also writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from harness.data import synthetic
from harness.figures import conclude, machine, quartiles, spread, table
from harness.selection import add_selection_dtype
from numba import njit, prange
from safetensors.torch import load_file

import sparsetime as st
from sparsetime import Batch, seeds
from sparsetime.dictionaries import init_from_data
from sparsetime.kernels import loops
from sparsetime.kernels.malloc import keep_freed_memory
from sparsetime.kernels.precision import selection_dtype
from sparsetime.kernels.product_select import ProductOfIntegers
from sparsetime.kernels.quantised_weights import in_panels, quantised
from sparsetime.training import DictionaryTrainable, TrainConfig

RECIPES = ("topk", "batch_topk", "matryoshka_batch_topk")
FLOAT = 4
# Bytes of an entry of a product, as selection reads it.
OUTPUT = {torch.int8: 4, torch.bfloat16: 2, torch.float32: 4}


@njit(parallel=True, fastmath=True)
def stream(a, b, out):
    """Read two arrays and write a third: 12 bytes an element."""
    for row in prange(a.shape[0]):
        for n in range(a.shape[1]):
            out[row, n] = a[row, n] + b[row, n]


@njit(parallel=True, fastmath=True)
def read_rows(matrix, chosen, out):
    """Read the chosen rows, a sum of each group of them: [groups, size of a group]."""
    for group in prange(chosen.shape[0]):
        line = out[group]
        for four in range(chosen.shape[1] // 4):
            a, b = matrix[chosen[group, 4 * four]], matrix[chosen[group, 4 * four + 1]]
            c, e = matrix[chosen[group, 4 * four + 2]], matrix[chosen[group, 4 * four + 3]]
            for n in range(line.shape[0]):
                line[n] += a[n] + b[n] + c[n] + e[n]


def parts_of(options: argparse.Namespace, dtype: torch.dtype, groups: int) -> list[dict[str, Any]]:
    """What a step multiplies and moves: amounts by kind."""
    weights, batch = options.width * options.d, options.batch * options.d
    entries, whole = options.batch * options.k, options.batch * options.width
    candidates = entries + options.batch * max(4, options.k // 4) * (dtype == torch.int8)
    # Integers are selected within the product, which is not written.
    written = 0 if dtype == torch.int8 and in_panels(options.width) else 2 * OUTPUT[dtype] * whole
    converted = 0 if dtype == torch.float32 else (FLOAT + dtype.itemsize) * weights
    rows = [
        ("product that selects", "multiply-adds", whole * options.d),
        ("its output, written and read", "streamed", written),
        ("weights in the product's dtype", "streamed", converted),
        ("batch, normalised and centred", "streamed", 3 * FLOAT * batch),
        ("exact pre-activations", "rows", FLOAT * candidates * options.d),
        ("residuals and their dot products", "rows", FLOAT * entries * options.d),
        ("residuals, written", "streamed", FLOAT * batch * groups),
        ("gradients of encoder and decoder", "rows", 2 * FLOAT * entries * options.d),
        ("gradients, written", "streamed", 2 * FLOAT * weights),
        ("Adam: gradient, weight, moments", "streamed", 2 * 7 * FLOAT * weights),
    ]
    return [{"part": part, "kind": kind, "amount": amount} for part, kind, amount in rows]


def rates_of(
    options: argparse.Namespace, dtype: torch.dtype
) -> dict[str, tuple[float, Callable[[], Any]]]:
    """Of each kind: an amount, and work that moves or multiplies so much."""
    generator = seeds.torch_generator(0, "random inputs")
    a, b = (torch.randn(options.width, options.d, generator=generator) for _ in range(2))
    out, chosen = torch.empty_like(a), seeds.numpy_generator(0, "random choice")
    rows = np.sort(chosen.integers(options.width, size=(options.batch, options.k // 4 * 4)))
    sums = np.zeros((options.batch, options.d), np.float32)
    return {
        "multiply-adds": product_of(options, a, dtype),
        "streamed": (3 * FLOAT * a.numel(), lambda: stream(a.numpy(), b.numpy(), out.numpy())),
        "rows": (FLOAT * rows.size * options.d, lambda: read_rows(a.numpy(), rows, sums)),
    }


def product_of(
    options: argparse.Namespace, weight: torch.Tensor, dtype: torch.dtype
) -> tuple[float, Callable[[], Any]]:
    """A product of some rows with the weights, into memory that stays in the cache."""
    rows = min(options.batch, 512)
    x = torch.randn(rows, options.d, generator=seeds.torch_generator(0, "random inputs", "x"))
    amount = rows * weight.numel()
    if dtype == torch.int8 and in_panels(options.width):
        return amount, within_product(x, weight)
    if dtype == torch.int8:
        integers, latents = (torch.from_numpy(loops.quantise(t.numpy())[0]) for t in (x, weight))
        sums = torch.empty(rows, options.width, dtype=torch.int32)
        return amount, lambda: torch._int_mm(integers, latents.T, out=sums)
    x, weight = x.to(dtype), weight.to(dtype)
    out = torch.empty(rows, options.width, dtype=dtype)
    return amount, lambda: torch.mm(x, weight.T, out=out)


def within_product(x: torch.Tensor, weight: torch.Tensor) -> Callable[[], Any]:
    """The product of 8-bit integers of which no entry is kept, as selection computes it."""
    product = ProductOfIntegers(x.numpy(), quantised(weight), np.zeros(len(weight), np.float32))
    counts = np.empty(len(x), np.int64)
    nothing = np.empty((len(x) + 16, 0), np.int64), np.empty((len(x) + 16, 0), np.float32)
    bound, threads = np.float32(np.inf), torch.get_num_threads()
    return lambda: loops.above_in_product(*product.operands, bound, threads, counts, *nothing)


def step_of(options: argparse.Namespace, dtype: torch.dtype) -> tuple[Callable[[], Any], int]:
    """A training step on the next batch, and the number of nested groups."""
    data = load_file(str(synthetic(options.d, 8 * options.batch)))["activations"]
    batches = data.split(options.batch)
    sae = st.dictionary(options.recipe, d_in=options.d, width=options.width, k=options.k)
    init_from_data(sae, batches[0])
    config = TrainConfig(
        rows=options.batch * 100_000, batch=options.batch, learning_rate=3e-4, dead_after=10**9
    )
    trainable = DictionaryTrainable(sae, config, dtype)
    numbers = iter(range(100_000))

    def step() -> None:
        number = next(numbers)
        trainable.step(Batch(batches[number % len(batches)]), number)

    return step, len(sae.groups)


def main() -> None:
    options = arguments()
    keep_freed_memory()  # as `sparsetime.train` does
    dtype = selection_dtype(torch.device("cpu"))
    step, groups = step_of(options, dtype)
    rates = rates_of(options, dtype)
    work = {"step": step, **{kind: run for kind, (_, run) in rates.items()}}
    seconds: dict[str, list[float]] = {name: [] for name in work}
    order = seeds.numpy_generator(0, "order of measurements")
    for number in range(options.rounds + 3):
        for name in order.permutation(list(work)).tolist():
            work[name]()  # brings its own data back into the caches
            began = time.perf_counter()
            work[name]()
            if number >= 3:
                seconds[name].append(time.perf_counter() - began)
    # The best of all rounds: a limit is what the machine can do, and others use it too.
    best = {kind: amount / min(seconds[kind]) for kind, (amount, _) in rates.items()}
    parts = parts_of(options, dtype, groups)
    for part in parts:
        part["seconds"] = part["amount"] / best[part["kind"]]
    limit = sum(part["seconds"] for part in parts)
    result = {
        "benchmark": "step_limit",
        **{key: getattr(options, key) for key in ("recipe", "d", "width", "k", "batch", "rounds")},
        "selection_dtype": str(dtype),
        "threads": torch.get_num_threads(),
        "machine": machine(),
        "per_second": {kind: float(f"{rate:.4g}") for kind, rate in best.items()},
        "parts": parts,
        "limit_seconds": limit,
        "step_seconds": quartiles(seconds["step"]),
        "best_step_seconds": min(seconds["step"]),
        "times_limit": quartiles([step / limit for step in seconds["step"]]),
    }
    rows = [
        [part["part"], part["kind"], f"{part['amount'] / 1e6:,.0f}", f"{1e3 * part['seconds']:.1f}"]
        for part in parts
    ]
    rows += [
        ["the limit", "", "", f"{1e3 * limit:.1f}"],
        ["a step", "", "", spread(result["step_seconds"], 1e3)],
        ["in limits", "", "", spread(result["times_limit"])],
    ]
    conclude(
        f"step_limit_{options.recipe}",
        result,
        table(["", "kind", "millions", "milliseconds"], rows),
        options.keep,
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", choices=RECIPES, default="topk")
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=11)
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
