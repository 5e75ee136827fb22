"""Sparse computation: executions of thinned maps, the cost of training with masks, and of counting.

Ways of one thing take turns within one loop, so that a busy machine slows all alike. Steps and
passes are compared by their processor time with one thread, which other programs hardly change;
products by wall time, on an idle machine. `python benchmarks/computation.py`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numba
import torch
from torch import nn

import sparsetime as st
from sparsetime import seeds
from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.python_code.pretrained import code_model

SHAPES = ((3072, 768), (768, 3072))
SPARSITIES = (0.5, 0.7, 0.9)
EVERY = 100  # steps between changes of masks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=1, help="rows of a product")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--only", choices=("products", "attached", "counted"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    if chosen.only in (None, "products"):
        products(chosen.batch)
    if chosen.only in (None, "attached"):
        attached(chosen.repeats)
    if chosen.only in (None, "counted"):
        counted(chosen.repeats)


def products(batch: int) -> None:
    """Each execution of a matrix with constant fan-in, in microseconds."""
    for out, inputs in SHAPES:
        for sparsity in SPARSITIES:
            model = nn.Sequential(made(inputs, out))
            sparse = st.sparsify(model, "magnitude", structure="fan_in", sparsity=sparsity)
            print(f"{inputs} to {out} at {sparsity:.0%}: {sparse.compile(batch)}")


def attached(repeats: int) -> None:
    """A step of training with RigL's masks, by one without, of both loops of torch's AdamW.

    The mean of whole periods counts, in each of which masks change once.
    """
    x = torch.randn(256, 256, generator=seeds.torch_generator(0, "random inputs"))

    def step(method: str | None, fused: bool) -> Callable[[], None]:
        model = nn.Sequential(made(256, 1024), nn.ReLU(), made(1024, 256))
        optimiser = torch.optim.AdamW(model.parameters(), fused=fused)
        if method is not None:
            sparse = st.sparsify(model, method, sparsity=0.9, every=EVERY, until=10**6)
            sparse.attach(optimiser)

        def run() -> None:
            optimiser.zero_grad()
            (model(x) - x).square().mean().backward()
            optimiser.step()

        return run

    for fused in (False, True):
        ways = [step(None, fused), step("rigl", fused)]
        plain, masked = in_turn(ways, -(-repeats // EVERY) * EVERY, statistics.mean)
        print(
            f"attach, AdamW(fused={fused}): a step takes {masked / plain:.2f} of one without masks "
            f"({plain:.2g} s)"
        )


def counted(repeats: int) -> None:
    """st.cost by plain forward passes: of a net of two layers, and of the Python-source model."""
    net = st.models.load_model(nn.Sequential(made(256, 1024), nn.ReLU(), made(1024, 256)))
    rows = torch.randn(256, 256, generator=seeds.torch_generator(1, "random inputs"))
    code = code_model()
    vocabulary = code.model.config.vocab_size
    generator = seeds.torch_generator(1, "random inputs")
    tokens = torch.randint(vocabulary, (16, 256), generator=generator)
    for name, loaded, x in (("two layers", net, rows), ("the Python-source model", code, tokens)):

        def forward(model: nn.Module = loaded.model, x: torch.Tensor = x) -> None:
            with torch.no_grad():
                for batch in x.split(8 if x.dtype == torch.long else 256):
                    model(batch)

        def count(loaded: LoadedModel = loaded, x: torch.Tensor = x) -> None:
            st.cost(loaded, x)

        plain, counted = in_turn([forward, count], repeats // 4)
        print(f"cost, {name}: {counted / plain:.2f} of plain forward passes ({plain:.2g} s)")


def made(inputs: int, out: int) -> nn.Linear:
    with seeds.torch_globals(0, "random inputs", inputs, out):
        return nn.Linear(inputs, out)


def in_turn(
    ways: list[Callable[[], object]],
    repeats: int,
    summary: Callable[[list[float]], float] = statistics.median,
) -> list[float]:
    """Seconds of the processor of each."""
    times: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()
    for _ in range(repeats):
        for way, own in zip(ways, times, strict=True):
            begin = time.process_time()
            way()
            own.append(time.process_time() - begin)
    return [summary(own) for own in times]


if __name__ == "__main__":
    main()
