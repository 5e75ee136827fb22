"""Sparse attention against torch's dense attention, in interleaved runs: prefill and training.

    python benchmarks/attention_prefill.py --tokens 4096 8192 --unit 128 --kept 0.12

Causal attention, one sequence. Each tile of queries reads its own tile, and earlier ones at random,
so that about the given share of pairs is left. Dense and sparse calls alternate; reported is the
median of their ratios, beside the share of pairs. With --train a step is forward and backward pass.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import sparsetime as st  # isort: skip  before torch

import numpy as np
import torch
from torch.nn import functional

from sparsetime import kernels, seeds
from sparsetime.attention_pattern import AttentionPattern, bounds_of
from sparsetime.key_range import KeyRange

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def pattern_of(tokens: int, heads: int, unit: int, kept: float) -> AttentionPattern:
    """About `kept` of the causal pairs: as many random earlier tiles for each head and tile."""
    readable, bounds = KeyRange.causal(tokens, tokens), bounds_of(tokens, unit)
    tiles = bounds.shape[0] - 1
    generator = seeds.torch_generator(0, "random choice")
    score = torch.rand(1, heads, tiles, tiles, generator=generator).tril(-1)
    score += 2 * torch.eye(tiles)
    # Early tiles read all that they may, so the others read a little more than their share.
    most = max(1, round(kept * tiles / 2))
    rank = score.argsort(3, descending=True).argsort(3)
    return AttentionPattern.of_units((rank < most) & (score > 0), bounds, bounds, readable)


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tokens", type=int, nargs="+", default=[4096, 8192, 16384])
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--size", type=int, default=64, help="dimensions of a head")
    parser.add_argument("--unit", type=int, nargs="+", default=[128], help="tokens of a tile")
    parser.add_argument("--kept", type=float, default=0.12, help="share of the causal pairs")
    parser.add_argument("--dtype", choices=DTYPES, nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--train", action="store_true", help="forward and backward pass")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    print(
        f"sparsetime {st.__version__}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    )
    for tokens in chosen.tokens:
        for unit in chosen.unit:
            pattern = pattern_of(tokens, chosen.heads, unit, chosen.kept)
            for name in chosen.dtype:
                report(pattern, name, chosen)


def report(pattern: AttentionPattern, name: str, chosen: argparse.Namespace) -> None:
    generator = seeds.torch_generator(0, "random inputs")
    q, k, v = (
        torch.randn(1, chosen.heads, pattern.queries, chosen.size, generator=generator)
        .to(DTYPES[name])
        .requires_grad_(chosen.train)
        for _ in range(3)
    )

    def run(attention: Callable[[], torch.Tensor]) -> None:
        out = attention()
        if chosen.train:
            torch.autograd.grad(out.float().square().mean(), (q, k, v))

    def dense() -> None:
        run(lambda: functional.scaled_dot_product_attention(q, k, v, is_causal=True))

    def sparse() -> None:
        run(lambda: kernels.attend(q, k, v, pattern)[0])

    sparse()
    pairs = [(seconds(dense), seconds(sparse)) for _ in range(chosen.rounds)]
    ratios = [one / other for one, other in pairs]
    low, high = np.quantile(ratios, [0.25, 0.75])
    unit = int(pattern.query_bounds[1])
    milliseconds = [1e3 * statistics.median(column) for column in zip(*pairs, strict=True)]
    what = "training step" if chosen.train else "prefill"
    print(
        f"{pattern.queries} tokens, tiles of {unit}, {name}, {what}: "
        f"{1 - pattern.sparsity:.3f} of the pairs, "
        f"dense {milliseconds[0]:.0f} ms, sparse {milliseconds[1]:.0f} ms, "
        f"{statistics.median(ratios):.2f} times ({low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    main()
