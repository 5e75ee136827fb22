"""Sparse computation: executions of thinned maps, the cost of training with masks, and of counting.

Ways of one thing take turns within one loop, so that a busy machine slows all alike; medians are
compared. `python benchmarks/computation.py`, on an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

import sparsetime as st
from sparsetime import seeds

SHAPES = ((3072, 768), (768, 3072))
SPARSITIES = (0.5, 0.7, 0.9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=1, help="rows of a product")
    parser.add_argument("--repeats", type=int, default=50)
    chosen = parser.parse_args()
    products(chosen.batch)
    attached(chosen.repeats)
    counted(chosen.repeats)


def products(batch: int) -> None:
    """Each execution of a matrix with constant fan-in, in microseconds."""
    for out, inputs in SHAPES:
        for sparsity in SPARSITIES:
            model = nn.Sequential(made(inputs, out))
            sparse = st.sparsify(model, "magnitude", structure="fan_in", sparsity=sparsity)
            print(f"{inputs} to {out} at {sparsity:.0%}: {sparse.compile(batch)}")


def attached(repeats: int) -> None:
    """A step of training with RigL's masks, by one without, of both loops of torch's AdamW."""
    x = torch.randn(256, 256, generator=seeds.torch_generator(0, "random inputs"))

    def step(method: str | None, fused: bool) -> Callable[[], None]:
        model = nn.Sequential(made(256, 1024), nn.ReLU(), made(1024, 256))
        optimiser = torch.optim.AdamW(model.parameters(), fused=fused)
        if method is not None:
            sparse = st.sparsify(model, method, sparsity=0.9, every=100, until=10**6)
            sparse.attach(optimiser)

        def run() -> None:
            optimiser.zero_grad()
            (model(x) - x).square().mean().backward()
            optimiser.step()

        return run

    for fused in (False, True):
        plain, masked = in_turn([step(None, fused), step("rigl", fused)], repeats)
        print(
            f"attach, AdamW(fused={fused}): a step takes {masked / plain:.2f} of one without masks "
            f"({plain:.2g} s)"
        )


def counted(repeats: int) -> None:
    """st.cost by a plain forward pass."""
    model = nn.Sequential(made(256, 1024), nn.ReLU(), made(1024, 256))
    loaded = st.models.load_model(model)  # hashed once
    x = torch.randn(256, 256, generator=seeds.torch_generator(1, "random inputs"))

    def forward() -> None:
        with torch.no_grad():
            model(x)

    plain, with_cost = in_turn([forward, lambda: st.cost(loaded, x)], repeats)
    print(f"cost: {with_cost / plain:.2f} of a plain forward pass ({plain:.2g} s)")


def made(inputs: int, out: int) -> nn.Linear:
    with seeds.torch_globals(0, "random inputs", inputs, out):
        return nn.Linear(inputs, out)


def in_turn(ways: list[Callable[[], object]], repeats: int) -> list[float]:
    """Median seconds of each."""
    times: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()
    for _ in range(repeats):
        for way, own in zip(ways, times, strict=True):
            begin = time.perf_counter()
            way()
            own.append(time.perf_counter() - begin)
    return [statistics.median(own) for own in times]


if __name__ == "__main__":
    main()
