"""What the time of a training step, and of an encoded batch, goes to.

    python benchmarks/step_parts.py [--recipe topk] [--width 8192] [--steps 20]
                                    [--selection-dtype bfloat16]

The kernels are timed where they are called, on made-up activations; what is between them is the
rest. The product of 8-bit integers (or bfloat16) within `select` is timed alone. The last line is
JSON: milliseconds, medians over the steps.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype

import sparsetime as st
from sparsetime import Batch, seeds
from sparsetime.dictionaries import init_from_data
from sparsetime.kernels import cpu, cpu_select
from sparsetime.kernels.malloc import keep_freed_memory
from sparsetime.kernels.precision import selection_dtype
from sparsetime.kernels.product_select import ProductOfIntegers
from sparsetime.kernels.quantised_weights import in_panels, quantised
from sparsetime.training import DictionaryTrainable, TrainConfig

# `outer` calls `decode`; only the outermost counts.
KERNELS = ("select", "kept_entries", "gather_dot", "outer", "decode", "transpose", "project")
KERNELS += ("adam", "nested_residuals", "sums_by_latent")


class Clock:
    """Adds up the time of the outermost of the watched functions."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._within = False

    def watch(self, name: str) -> None:
        inner = getattr(cpu, name)

        def timed(*positional: Any, **named: Any) -> Any:
            if self._within:
                return inner(*positional, **named)
            self._within, began = True, time.perf_counter()
            try:
                return inner(*positional, **named)
            finally:
                self._within = False
                self.seconds[name] += time.perf_counter() - began

        setattr(cpu, name, timed)

    def run(self, work: Callable[[int], Any], times: int) -> dict[str, float]:
        """Milliseconds by kernel, of the rest, and of the whole."""
        for number in range(3):
            work(number)
        wholes: list[float] = []
        parts: dict[str, list[float]] = defaultdict(list)
        for number in range(3, 3 + times):
            self.seconds.clear()
            began = time.perf_counter()
            work(number)
            wholes.append(time.perf_counter() - began)
            for name, seconds in self.seconds.items():
                parts[name].append(seconds)
            parts["the rest"].append(wholes[-1] - sum(self.seconds.values()))
        medians = {name: 1e3 * statistics.median(seconds) for name, seconds in parts.items()}
        return medians | {"the whole": 1e3 * statistics.median(wholes)}


def multiply(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, dtype: torch.dtype) -> None:
    """The product of a selection: in tiles, or the one in 8-bit integers that is not written."""
    if dtype == torch.int8 and in_panels(len(weight)):
        ProductOfIntegers(x.numpy(), quantised(weight), bias.numpy()).above(float("inf"))
    else:
        for _ in cpu_select.tiles_of(x, weight, bias, dtype):
            pass


def main() -> None:
    options = arguments()
    keep_freed_memory()  # as `sparsetime.train` does
    generator = seeds.torch_generator(0, "random inputs")
    mix = torch.randn(64, options.d, generator=generator) / 8
    batches = [
        torch.randn(options.batch, 64, generator=generator) @ mix
        + 0.3 * torch.randn(options.batch, options.d, generator=generator)
        for _ in range(4)
    ]
    sae = st.dictionary(options.recipe, d_in=options.d, width=options.width, k=options.k)
    init_from_data(sae, batches[0])
    dtype = selection_dtype(torch.device("cpu"))
    config = TrainConfig(rows=options.batch * 1000, batch=options.batch, learning_rate=3e-4)
    trainable = DictionaryTrainable(sae, config, dtype)
    directions, bias = sae.encoder.directions().detach(), sae.encoder.bias.detach()
    clock = Clock()
    product = clock.run(
        lambda n: multiply(batches[n % 4], directions, bias, dtype),
        options.steps,
    )["the whole"]
    for name in KERNELS:
        clock.watch(name)
    parts = {
        "step": clock.run(lambda n: trainable.step(Batch(batches[n % 4]), n), options.steps),
        "encode": clock.run(lambda n: sae.eval().encode(batches[n % 4]), options.steps),
    }
    for milliseconds in parts.values():
        milliseconds["of select, the product"] = product
    result = {
        "benchmark": "step_parts",
        **{key: getattr(options, key) for key in ("recipe", "d", "width", "k", "batch", "steps")},
        "selection_dtype": str(dtype),
        "machine": machine(),
        "milliseconds": {
            what: {name: round(value, 2) for name, value in milliseconds.items()}
            for what, milliseconds in parts.items()
        },
    }
    rows = [
        [what, name, f"{value:.1f}"]
        for what, milliseconds in parts.items()
        for name, value in milliseconds.items()
    ]
    conclude("step_parts", result, table(["", "part", "milliseconds"], rows), options.keep)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="topk")
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=20)
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
