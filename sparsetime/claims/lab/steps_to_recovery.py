"""Optimiser steps after which a training has recovered known atoms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor

from sparsetime.claims.lab.training import train_briefly
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError
from sparsetime.testbeds.atom_recovery import recovery

_BATCH = 256


def steps_to_recover(
    make: Callable[[], Dictionary],
    x: Float[Tensor, "rows d"],
    atoms: Float[Tensor, "true d"],
    *,
    steps: Sequence[int],
    share: float,
    seed: int,
    train: Callable[..., Dictionary] = train_briefly,
) -> int:
    """First of the ascending `steps` after which at least `share` of the atoms are recovered.

    Each number of steps is a training of its own, with a schedule of that length, of a new
    dictionary from `make`. Where none recovers the share, the result is twice the largest.
    train: as `Lab.train`.

    Errors: ConfigError where `steps` is empty or does not ascend.
    """
    if not steps or list(steps) != sorted(set(steps)):
        raise ConfigError(
            f"got {steps}, expected numbers of steps that ascend; give some such as 20, 40, 80"
        )
    for count in steps:
        trained = train(make(), x, rows=count * _BATCH, seed=seed, batch=_BATCH)
        if recovery(trained.atoms, atoms).share_recovered >= share:
            return count
    return 2 * steps[-1]
