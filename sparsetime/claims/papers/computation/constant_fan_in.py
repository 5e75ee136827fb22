"""SRigL: constant fan-in all through training, near RigL, and faster than dense on a CPU."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, AtMost, Lab, claim
from sparsetime.claims.lab.net_training import accuracy, train_net
from sparsetime.computation.sparsify import sparsify
from sparsetime.computation.structures.fan_in import FanIn
from sparsetime.computation.thinned_weights import ThinnedWeights
from sparsetime.kernels.condensed import CondensedMatrix
from sparsetime.testbeds.digits.data import digits
from sparsetime.testbeds.digits.nets import digit_net

WIDTH, STEPS, BATCH, RATE = 256, 400, 128, 3e-3
SPARSITY = 0.9
REGROWTH: dict[str, Any] = {"every": 20, "until": 300}
OUT, IN, REPEATS, MATRICES = 768, 3072, 30, 6


@claim(
    "constant_fan_in",
    system=137,
    says="Every live neuron has an equal fan-in at every step of training, accuracy at 90% is "
    "within a point of RigL, and condensed inference is faster than dense on the CPU.",
    data="digits of scikit-learn, two hidden layers of 256 neurons, 400 steps; for speed, matrices "
    "of 768 x 3072 at batch 1 on one thread",
    expects=[
        AtLeast("share of steps with constant fan-in", than=1.0),
        AtMost("points below RigL", than=1.0),
        AtLeast("times faster than dense", than=1.0),
    ],
    seconds=60,
    rule="Every live neuron keeps identical fan-in all through training, 90% sparse accuracy is "
    "within a point of RigL, and condensed CPU inference beats dense.",
    notes="Speed: median times of a thread's processor, the two ways in turn, over 6 matrices, so "
    "that neither stays in the cache; dense is float32. A ratio of one machine.",
    null=lambda lab, seed: _values(seed, null=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """RigL and SRigL on one net, and a timing."""
    return _values(seed)


def _values(seed: int, null: bool = False) -> dict[str, float]:
    """null: RigL without structure in the place of SRigL, and dense in the place of condensed."""
    _, _, rigl = _trained("rigl", seed)
    plan, share, points = _trained("rigl" if null else "srigl", seed)
    return {
        "share of steps with constant fan-in": share,
        "points below RigL": rigl - points,
        "accuracy of RigL, in points": rigl,
        "live neurons": float(sum(int(m.mask_matrix.any(1).sum()) for m in plan.matrices)),
        "times faster than dense": 1.0 if null else _speed(seed),
    }


def _trained(method: str, seed: int) -> tuple[ThinnedWeights, float, float]:
    """The plan, the share of steps at which fan-in was constant, and accuracy in points."""
    bed = digits()
    net = digit_net(WIDTH, WIDTH, seed=seed)
    sparse = sparsify(net, method, sparsity=SPARSITY, seed=seed, **REGROWTH)
    (plan,) = sparse.plans
    assert isinstance(plan, ThinnedWeights)
    steps: list[bool] = []
    counted = net.register_forward_pre_hook(lambda *_: steps.append(_holds(plan)))
    train_net(
        net, bed.train.images, bed.train.classes,
        steps=STEPS, batch=BATCH, learning_rate=RATE, seed=seed, sparse=sparse,
    )  # fmt: skip
    counted.remove()
    points = 100 * accuracy(net, bed.held_out.images, bed.held_out.classes)
    return plan, float(np.mean(steps)), points


def _holds(plan: ThinnedWeights) -> bool:
    return all(FanIn().holds(matrix.mask_matrix) for matrix in plan.matrices)


@torch.no_grad()
def _speed(seed: int) -> float:
    """Median time of dense by that of condensed, at the sparsity of the claim."""
    generator = seeds.torch_generator(seed, "random inputs")
    x = torch.randn(1, IN, generator=generator)
    dense, condensed = [], []
    for _ in range(MATRICES):
        weight = torch.randn(OUT, IN, generator=generator)
        mask = FanIn().mask(weight.abs(), SPARSITY)
        dense.append(weight * mask)
        condensed.append(CondensedMatrix.from_mask(weight, mask))
    ways: list[Callable[[int], Any]] = [
        lambda n: nn.functional.linear(x, dense[n]),
        lambda n: condensed[n].product(x),
    ]
    times: tuple[list[int], list[int]] = ([], [])
    for repeat in range(REPEATS * MATRICES):
        for way, own in zip(ways, times, strict=True):
            begin = time.thread_time_ns()
            way(repeat % MATRICES)
            own.append(time.thread_time_ns() - begin)
    return float(np.median(times[0]) / np.median(times[1]))
