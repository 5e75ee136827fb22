"""Lightning attention: blocks equal the quadratic form, and time a token is constant."""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtMost, Lab, Within, claim
from sparsetime.kernels.associative_memory import associative_memory
from sparsetime.kernels.memory_coefficients import Rates, decay_matrix

HEADS, D = 4, 32
SHORT, LONG = 512, 4096
ROUNDS = 9


@claim(
    "lightning",
    system=281,
    says="Attention computed block by block equals the quadratic form to 1e-5 of its largest "
    "output, and processor time a token changes by at most a fifth over 8 times the length.",
    data="random queries, keys and values of 4 heads; decays on a geometric scale",
    expects=[
        AtMost("largest difference, relative", than=1e-5),
        Within("time a token, 4,096 over 512 steps", of=1.0, tolerance=0.2),
    ],
    seconds=40,
    rule="Blockwise output equals the quadratic form to rounding, and time per token stays flat as "
    "length grows eightfold.",
    notes="Time is of one thread's processor, the median of interleaved rounds.",
    null=lambda lab, seed: _values(seed, quadratic=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Both forms on the same random input."""
    return _values(seed)


def _values(seed: int, quadratic: bool = False) -> dict[str, float]:
    """quadratic: True for the null, in which the quadratic form is in the place of blocks."""
    form = _quadratic if quadratic else _blocks
    short, long = _inputs(seed, SHORT), _inputs(seed, LONG)
    exact = _quadratic(*short)
    difference = float((form(*short) - exact).abs().max() / exact.abs().max())
    form(*long)
    ratios = [
        _seconds(form, long) / _seconds(lambda *x: [form(*x) for _ in range(8)], short)
        for _ in range(ROUNDS)
    ]
    return {
        "largest difference, relative": difference,
        "time a token, 4,096 over 512 steps": statistics.median(ratios),
    }


def _inputs(seed: int, steps: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    draw = seeds.torch_generator(seed, "random inputs", steps)
    q, k, v = (torch.randn(1, HEADS, steps, D, generator=draw) * D**-0.5 for _ in range(3))
    return q, k, v, -(2.0 ** -torch.linspace(2, 10, HEADS))[None, :, None]


def _blocks(q: Tensor, k: Tensor, v: Tensor, decay: Tensor) -> Tensor:
    return associative_memory(q, k, v, Rates(decay, torch.ones_like(decay)), "value").outputs


def _quadratic(q: Tensor, k: Tensor, v: Tensor, decay: Tensor) -> Tensor:
    kept = decay_matrix(decay.expand(-1, -1, q.shape[2]))
    return ((q @ k.transpose(-1, -2)) * kept) @ v


def _seconds(run: Callable[..., object], arguments: tuple[Tensor, ...]) -> float:
    began = time.process_time()
    run(*arguments)
    return time.process_time() - began
