"""Miras: loss and retention of a memory change recall, and a robust loss withstands outliers."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.kernels.associative_memory import associative_memory
from sparsetime.kernels.memory_coefficients import Rates
from sparsetime.sequence_models.mixers.memory_loss import Loss, slope_of

D, PAIRS, REPEATS = 32, 24, 4
OUTLIERS, SIZE = 0.15, 20.0
SEQUENCES = 64
RATES = (0.05, 0.1, 0.2, 0.4, 0.8)
CLIPS = (0.1, 0.3, 1.0)


@claim(
    "miras",
    system=269,
    says="Where 15% of the shown values are outliers, memories written with a Huber or a "
    "pseudo-Huber loss recall the pairs with less error than one with the squared loss; without "
    "outliers, forgetting raises the error.",
    data="24 random pairs a sequence, each shown four times in random order; 15% of the shown "
    "values are random and 20 times as large",
    expects=[
        Less("error, Huber", than="error, squared"),
        Less("error, pseudo-Huber", than="error, squared"),
        Less("error without outliers, all kept", than="error without outliers, forgetting"),
    ],
    seconds=30,
    rule="Swapping memory loss and retention gate in one small recurrent layer changes recall; "
    "robust losses win when key-value pairs contain outliers.",
    notes="The layer is the memory alone, without training: keys, values and queries are the data. "
    "The rate and the place where a loss becomes linear are chosen on another seed, for each loss.",
    null=lambda lab, seed: _values(lab, seed, with_outliers=False),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Rates are chosen on the tuning seed."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, with_outliers: bool = True) -> dict[str, float]:
    """with_outliers: False for the null, in which no value is an outlier."""
    losses: tuple[Loss, ...] = ("squared", "huber", "pseudo_huber")
    names = ("squared", "Huber", "pseudo-Huber")
    values = {}
    for loss, name in zip(losses, names, strict=True):
        clips = (1.0,) if loss == "squared" else CLIPS
        settings = [(rate, clip) for rate in RATES for clip in clips]
        tuned = [_error(lab.tuning_seed, loss, *one, with_outliers) for one in settings]
        chosen = settings[tuned.index(min(tuned))]
        values[f"error, {name}"] = _error(seed, loss, *chosen, with_outliers)
        values[f"rate, {name}"] = chosen[0]
    for retention, name in ((12.0, "all kept"), (2.0, "forgetting")):
        values[f"error without outliers, {name}"] = _error(
            seed, "squared", 0.4, 1.0, False, retention
        )
    return values


def _error(
    seed: int, loss: Loss, rate: float, clip: float, with_outliers: bool, retention: float = 12.0
) -> float:
    """Mean squared error of the values recalled after the last write, over their mean square."""
    keys, values, shown_keys, shown_values = _pairs(seed, with_outliers)
    gate = torch.full((1, 1, 1), retention)
    rates = Rates(logsigmoid(gate), torch.full((1, 1, 1), rate))
    state = associative_memory(
        shown_keys, shown_keys, shown_values, rates, "chunk", slope_of(loss, clip), 1
    ).state
    return float((keys @ state.memory - values).square().mean() / values.square().mean())


def _pairs(seed: int, with_outliers: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    draw = seeds.torch_generator(seed, "planted codes")
    keys = normalize(torch.randn(SEQUENCES, 1, PAIRS, D, generator=draw), dim=-1)
    values = torch.randn(SEQUENCES, 1, PAIRS, D, generator=draw)
    steps = PAIRS * REPEATS
    order = torch.rand(SEQUENCES, 1, steps, generator=draw).argsort(-1) % PAIRS
    at = order[..., None].expand(-1, -1, -1, D)
    shown = values.gather(2, at)
    is_outlier = torch.rand(SEQUENCES, 1, steps, 1, generator=draw) < OUTLIERS
    noise = SIZE * torch.randn(SEQUENCES, 1, steps, D, generator=draw)
    shown = torch.where(is_outlier & with_outliers, noise, shown)
    return keys, values, keys.gather(2, at), shown
