"""Sparse decoding against torch's dense attention over a cache, in interleaved runs.

    python benchmarks/attention_decode.py --keys 4096 16384 65536 --share 16

One query a head over a cache of random keys, which grows by one key a step. A step is choosing and
attending: by pages of 16 keys and their extremes (quest), or by single keys and four channels
(double_sparsity), at one key of `share`. Dense and sparse steps alternate; reported is the median
of their ratios, and the time of choosing and of attending apart.
"""

from __future__ import annotations

import argparse
import statistics
import time

import sparsetime as st  # isort: skip  before torch

import numpy as np
import torch
from torch.nn import functional

from sparsetime import seeds
from sparsetime.attention.inputs import AttentionInputs
from sparsetime.key_range import KeyRange


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keys", type=int, nargs="+", default=[4096, 16384, 65536])
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--size", type=int, default=64, help="dimensions of a head")
    parser.add_argument("--share", type=int, default=16, help="one key of this number is read")
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    print(
        f"sparsetime {st.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    for keys in chosen.keys:
        budget = keys // chosen.share
        policies = {
            "pages of 16": st.attention_policy("quest", page=16, keys=budget, skip_layers=0),
            "single keys": st.attention_policy("double_sparsity", channels=4, keys=budget),
        }
        for name, policy in policies.items():
            report(policy, name, keys, chosen)


@torch.no_grad()
def report(
    policy: st.attention.AttentionPolicy, name: str, keys: int, chosen: argparse.Namespace
) -> None:
    generator = seeds.torch_generator(0, "random inputs")
    steps = chosen.rounds + 2
    shapes = [(1, chosen.heads, length, chosen.size) for length in (steps, *2 * [keys + steps])]
    q, k, v = (torch.randn(shape, generator=generator) for shape in shapes)
    state: dict[str, object] = {"keeps": True}

    def step(number: int) -> AttentionInputs:
        cached = keys + number
        return AttentionInputs(
            q[:, :, number : number + 1],
            *(t[:, :, :cached].contiguous() for t in (k, v)),
            KeyRange.causal(1, cached),
            chosen.size**-0.5,
            state=state,
        )

    if policy.needs_fit:
        policy.scorer.fit([step(0)])
    rows = []
    for number in range(steps):
        inputs = step(number)
        began = time.perf_counter()
        functional.scaled_dot_product_attention(inputs.q, inputs.k, inputs.v)
        dense = time.perf_counter()
        pattern = policy.select(inputs)
        selected = time.perf_counter()
        policy.attend(inputs, pattern)
        rows.append((dense - began, selected - dense, time.perf_counter() - selected))
    rows = rows[2:]  # the first steps compile loops and summarise the cache
    ratios = [dense / (select + attend) for dense, select, attend in rows]
    low, high = np.quantile(ratios, [0.25, 0.75])
    times = [1e3 * statistics.median(column) for column in zip(*rows, strict=True)]
    print(
        f"{keys} keys, {name}, 1/{chosen.share}: dense {times[0]:.2f} ms, choosing "
        f"{times[1]:.2f} ms, attending {times[2]:.2f} ms, {statistics.median(ratios):.1f} times "
        f"({low:.1f} to {high:.1f})"
    )


if __name__ == "__main__":
    main()
