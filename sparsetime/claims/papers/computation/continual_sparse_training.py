"""Dynamic sparse training over tasks: layer ratios and growth, by sparsity."""

from itertools import product
from statistics import mean

import torch
from torch import nn

from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.net_training import train_net
from sparsetime.computation.sparsify import sparsify
from sparsetime.computation.weight_plan import WeightPlan
from sparsetime.testbeds.digits.data import DigitPart, digits
from sparsetime.testbeds.digits.nets import digit_net

TASKS = tuple((2 * task, 2 * task + 1) for task in range(5))
SPARSITIES = (0.8, 0.95)
WIDTH, STEPS, EVERY, BATCH, RATE = 128, 100, 10, 64, 3e-3


@claim(
    "continual_sparse_training",
    system=76,
    says="Over five tasks, ERK layer ratios lead in accuracy at 80% sparsity and uniform ones at "
    "95%; growth by gradient and at random are compared at both.",
    data="digits of scikit-learn in five tasks of two classes, one after the other",
    expects=[
        Less("accuracy at 80%, uniform", than="accuracy at 80%, erk"),
        Less("accuracy at 95%, erk", than="accuracy at 95%, uniform"),
        AtLeast("accuracy at 80%, uniform", than=0.6),
    ],
    seconds=60,
    rule="a grid of initialisation and growth rule by sparsity reports accuracy and forgetting, "
    "checking whether ERK leads at low and uniform at high sparsity.",
    notes="One net and one plan over all tasks; a test digit is classified among the two classes "
    "of its task. Accuracy: mean over tasks at the end, and over both growth rules. Forgetting: "
    "the accuracy of a task after its training less that at the end, mean over tasks but the last.",
    null=lambda lab, seed: _values(seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """The grid of two distributions and two growth rules at two sparsities."""
    return _values(seed)


def _values(seed: int, untrained: bool = False) -> dict[str, float]:
    """untrained: the null, in which no task is learnt."""
    values = {}
    for sparsity, distribution in product(SPARSITIES, ("uniform", "erk")):
        scores = []
        for growth in ("gradient", "random"):
            accuracy, forgetting = _over_tasks(growth, distribution, sparsity, seed, untrained)
            at = f"at {sparsity:.0%}, {distribution}"
            values[f"accuracy {at}, growth by {growth}"] = accuracy
            values[f"forgetting {at}, growth by {growth}"] = forgetting
            scores.append(accuracy)
        values[f"accuracy {at}"] = mean(scores)
    return values


def _over_tasks(
    growth: str, distribution: str, sparsity: float, seed: int, untrained: bool
) -> tuple[float, float]:
    bed = digits()
    net = digit_net(WIDTH, WIDTH, seed=seed)
    schedule = {"kind": "regrow", "growth": growth, "every": EVERY, "until": STEPS * len(TASKS)}
    plan = WeightPlan("random", distribution=distribution, schedule=schedule)
    sparse = sparsify(net, plan, sparsity=sparsity, seed=seed)
    behind = []
    for number, task in enumerate(TASKS):
        rows = torch.isin(bed.train.classes, torch.tensor(task))
        if not untrained:
            train_net(
                net, bed.train.images[rows], bed.train.classes[rows],
                steps=STEPS, batch=BATCH, learning_rate=RATE, seed=10 * seed + number,
                sparse=sparse,
            )  # fmt: skip
        behind.append(_accuracy(net, bed.held_out, task))
    end = [_accuracy(net, bed.held_out, task) for task in TASKS]
    lost = [was - now for was, now in zip(behind[:-1], end[:-1], strict=True)]
    return mean(end), mean(lost)


@torch.no_grad()
def _accuracy(net: nn.Module, part: DigitPart, task: tuple[int, int]) -> float:
    """The share of a task's digits whose class has the larger of the task's two outputs."""
    rows = torch.isin(part.classes, torch.tensor(task))
    first = net(part.images[rows])[:, list(task)].argmax(1)
    return float((first == part.classes[rows] - task[0]).float().mean())
