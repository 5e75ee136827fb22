"""How long a training must be to recover known atoms."""

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
) -> int:
    """The first of the ascending `steps` after which at least `share` of the atoms are recovered.

    Every try is a training of its own, with a schedule of that length, of what `make` makes; where
    none is long enough, the answer is twice the longest.

    Errors: ConfigError where no steps are given or they do not ascend.
    """
    if not steps or list(steps) != sorted(set(steps)):
        raise ConfigError(f"give numbers of steps that ascend, such as 20, 40, 80; given: {steps}")
    for count in steps:
        found = train_briefly(make(), x, rows=count * _BATCH, seed=seed, batch=_BATCH)
        if recovery(found.atoms, atoms).share_recovered >= share:
            return count
    return 2 * steps[-1]
