"""Speed of mixers on one thread: chunked kernels against loops, attention and transformers' Mamba.

    OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 python benchmarks/mixers.py --rounds 5 --keep

Forward and backward of batch 4, 4 heads, keys and values of 32 (scan: 128 channels), in float32.
Times are of one thread's processor. Pairs are interleaved within a round; reported are medians of
the ratios of a round, with quartiles. The loops are torch's, one step after another, over `unbind`
lists. The Mamba layer of transformers (d 64, one sequence, its path without kernels) takes a
minute, hence `--mamba-rounds`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import sparsetime as st  # isort: skip  before torch

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize, scaled_dot_product_attention

from sparsetime import seeds
from sparsetime.kernels import Rates, associative_memory, diagonal_scan
from sparsetime.kernels.associative_memory_reference import associative_memory_by_steps
from sparsetime.kernels.malloc import keep_freed_memory
from sparsetime.sequence_models.mixers.mixer import Mixer

RESULTS = Path(__file__).parent / "results"
BATCH, HEADS, D_HEAD = 4, 4, 32
CHUNKS = {"value": 64, "step": 32, "chunk": 32}
NAMES = {"value": "linear memory", "step": "delta rule", "chunk": "Titans (gate, momentum)"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mamba-rounds", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as training does
    results: dict[str, dict[str, float]] = {}
    results |= against_loops(chosen.rounds)
    results |= against_attention(chosen.rounds)
    results |= exponents(chosen.rounds)
    results |= step_latency()
    results |= rounding()
    if chosen.mamba_rounds:
        results |= against_mamba(chosen.mamba_rounds)
    for name, values in results.items():
        print(name, {key: float(f"{value:.4g}") for key, value in values.items()})
    if chosen.keep:
        kept = RESULTS / "mixers.json"
        kept.write_text(json.dumps(results, indent=1) + "\n")
        kept.with_suffix(".md").write_text(table(results))


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=seeds.torch_generator(0, "random inputs", *shape))


def memory(errors: str, time_steps: int) -> tuple[list[Tensor], Rates]:
    q, v = draw(BATCH, HEADS, time_steps, D_HEAD), draw(BATCH, HEADS, time_steps, D_HEAD)
    k = normalize(draw(BATCH, HEADS, time_steps, D_HEAD), dim=-1)
    one = torch.ones(1, HEADS, 1)
    if errors == "value":
        return [q, k, v], Rates(0 * one, one)
    gate = draw(BATCH, HEADS, time_steps)
    if errors == "step":
        return [q, k, v], Rates(0 * one, gate.sigmoid())
    return [q, k, v], Rates(logsigmoid(gate + 4), gate.sigmoid(), logsigmoid(gate))


def both_ways(run: Callable[[], Tensor], leaves: list[Tensor]) -> Callable[[], None]:
    """Forward and backward of a function of tensors."""
    for leaf in leaves:
        leaf.requires_grad_()

    def once() -> None:
        torch.autograd.grad(run().sum(), leaves)

    return once


def chunked(errors: str, time_steps: int) -> Callable[[], None]:
    leaves, rates = memory(errors, time_steps)
    chunk = CHUNKS[errors]
    return both_ways(lambda: associative_memory(*leaves, rates, errors, None, chunk)[0], leaves)


def looped(errors: str, time_steps: int) -> Callable[[], None]:
    leaves, rates = memory(errors, time_steps)
    chunk = CHUNKS[errors]
    return both_ways(
        lambda: associative_memory_by_steps(*leaves, rates, errors, None, chunk)[0], leaves
    )


def scan(time_steps: int, loop: bool) -> Callable[[], None]:
    decay = draw(BATCH, time_steps, 128).sigmoid()
    x = draw(BATCH, time_steps, 128)

    def steps() -> Tensor:
        h, states = torch.zeros(BATCH, 128), []
        for a, inputs in zip(decay.unbind(1), x.unbind(1), strict=True):
            h = a * h + inputs
            states.append(h)
        return torch.stack(states, 1)

    return both_ways(steps if loop else lambda: diagonal_scan(decay, x), [decay, x])


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """Seconds of the processor, which other programs change less than those of the clock."""
    began = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - began) / times


def compared(
    fast: Callable[[], object], slow: Callable[[], object], rounds: int
) -> dict[str, float]:
    """Median ratio slow / fast over rounds in which both are timed, with quartiles."""
    fast(), slow()
    pairs = [(seconds(fast, 3), seconds(slow)) for _ in range(rounds)]
    ratios = [b / a for a, b in pairs]
    low, high = np.quantile(ratios, [0.25, 0.75])
    return {
        "ratio": statistics.median(ratios),
        "low": float(low),
        "high": float(high),
        "ms": 1e3 * statistics.median(a for a, _ in pairs),
    }


def against_loops(rounds: int) -> dict[str, dict[str, float]]:
    found = {
        f"{NAMES[errors]} at 1,024, against a torch loop": compared(
            chunked(errors, 1024), looped(errors, 1024), rounds
        )
        for errors in NAMES
    }
    found["diagonal scan at 1,024, against a torch loop"] = compared(
        scan(1024, loop=False), scan(1024, loop=True), rounds
    )
    return found


def against_attention(rounds: int) -> dict[str, dict[str, float]]:
    found = {}
    for errors, lengths in (("value", (256, 1024, 4096)), ("step", (1024, 4096))):
        for length in lengths:
            (q, k, v), _ = memory("value", length)
            attention = both_ways(
                lambda q=q, k=k, v=v: scaled_dot_product_attention(q, k, v, is_causal=True),
                [q, k, v],
            )
            name = f"{NAMES[errors]} at {length:,}, against SDPA"
            found[name] = compared(chunked(errors, length), attention, rounds)
    return found


def exponents(rounds: int) -> dict[str, dict[str, float]]:
    """Slope of log time over log length, from 512 to 8,192."""
    lengths = (512, 1024, 2048, 4096, 8192)
    makers = {NAMES[errors]: lambda n, e=errors: chunked(e, n) for errors in NAMES}
    makers["diagonal scan"] = lambda n: scan(n, loop=False)
    found = {}
    for name, make in makers.items():
        runs = [make(length) for length in lengths]
        for run in runs:
            run()
        times = np.array([[seconds(run) for run in runs] for _ in range(rounds)])
        slope = np.polyfit(np.log(lengths), np.log(np.median(times, 0)), 1)[0]
        found[f"{name}, time against length"] = {"exponent": float(slope)}
    return found


def step_latency() -> dict[str, dict[str, float]]:
    """Milliseconds a token and layer of a stream at d 64."""
    found = {}
    for card in st.recipes(kind="sequence model"):
        model = st.sequence_model(card.name, vocabulary=64, d=64).eval()
        stream = model.stream()
        for token in range(20):
            stream.step(token)
        each = [seconds(lambda stream=stream: stream.step(1), 20) for _ in range(10)]
        found[f"{card.name}, a step"] = {"ms a layer": 1e3 * min(each) / len(model.layers)}
    return found


def rounding() -> dict[str, dict[str, float]]:
    """Largest difference of float32 chunks from the float64 loop, over the largest output."""
    found = {}
    for errors in NAMES:
        leaves, rates = memory(errors, 1024)
        parts = (rates.log_retention, rates.rate, rates.log_momentum)
        exact_rates = Rates(*(x if x is None else x.double() for x in parts))
        doubles = [x.double() for x in leaves]
        exact = associative_memory_by_steps(*doubles, exact_rates, errors, None, CHUNKS[errors])[0]
        y = associative_memory(*leaves, rates, errors, None, CHUNKS[errors])[0]
        error = float((y - exact).abs().max() / exact.abs().max())
        found[f"{NAMES[errors]}, float32 against the float64 loop"] = {"error": error}
    return found


def against_mamba(rounds: int) -> dict[str, dict[str, float]]:
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer

    x = draw(1, 1024, 64)
    theirs = MambaMixer(MambaConfig(hidden_size=64, state_size=16, expand=2), layer_idx=0)
    ours = Mixer.from_config({"kind": "selective", "d": 64})

    def run(layer: torch.nn.Module) -> Callable[[], None]:
        inputs = x.clone()
        return both_ways(lambda: layer(inputs), [inputs])

    return {
        "Mamba layer at 1,024, against transformers on a CPU": compared(
            run(ours), run(theirs), rounds
        )
    }


def table(results: dict[str, dict[str, float]]) -> str:
    lines = ["| what | value |", "|---|---|"]
    for name, values in results.items():
        if "ratio" in values:
            shown = "{ratio:.1f} times ({low:.1f} to {high:.1f}); {ms:.1f} ms".format(**values)
        else:
            ((unit, value),) = values.items()
            shown = f"{unit} {value:.2g}"
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
