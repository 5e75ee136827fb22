"""Nulls that claims share: the same check, with what its trainings find taken away."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, final

from sparsetime.claims.lab.lab import Lab
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.errors import ConfigError

Check: TypeAlias = Callable[[Lab, int], dict[str, float]]

_NO_STEP = 1e-12  # a learning rate by which no weight moves
_BATCH = 4096


class Null(ABC):
    """A change of every training of a claim, under which the claim must not hold."""

    #: Whether coefficients are searched for a target L0; a null without training has none.
    searches: bool = True

    def of(self, check: Check) -> Check:
        """The check with this change of its trainings.

        Errors: ConfigError by the check, where it trains nothing through the lab.
        """
        reached = False

        @functools.wraps(check)
        def under_null(lab: Lab, seed: int) -> dict[str, float]:
            nonlocal reached
            own = lab.under(self)
            values = check(own, seed)
            reached = reached or own.changed_trainings > 0
            if not reached:
                raise ConfigError(
                    "got a check that trains nothing through its lab, so that the null changed "
                    "nothing; train with lab.train, or give the claim a null of its own"
                )
            return values

        return under_null

    @abstractmethod
    def change(
        self, dictionary: Dictionary, data: Any, rows: int, seed: int, settings: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """Change a dictionary in place before its training; returns the rows and settings of it."""


@final
class Untrained(Null):
    """Dictionaries that are not trained: random, with scale, offset and thresholds fitted.

    What holds of them is a property of the composition or of the data, and nothing that was learnt.
    """

    searches = False

    def change(
        self, dictionary: Dictionary, data: Any, rows: int, seed: int, settings: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        # Snapshots need a step each, and the last one is the dictionary itself.
        steps = 1 + settings.get("snapshots", 0)
        batch = min(_BATCH, rows // steps)
        if isinstance(data, Iterator):  # its batches have the claim's size
            batch = settings.get("batch", batch)
        return steps * batch, {**settings, "batch": batch, "learning_rate": _NO_STEP}


@final
class Replaced(Null):
    """Dictionaries of the recipe `of_recipe` are of another one, with the same sizes.

    The claim's comparison is then of two dictionaries that differ in nothing, or in less.
    settings: of the other recipe, besides `d_in`, `width`, `seed`, and `k` where both have one.
    """

    def __init__(self, of_recipe: str, by: str, **settings: Any) -> None:
        self._of, self._by, self._settings = of_recipe, by, settings

    def change(
        self, dictionary: Dictionary, data: Any, rows: int, seed: int, settings: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if dictionary.name == self._of:
            k = getattr(dictionary.sparsifier.innermost, "k", None)
            own = {} if k is None else {"k": k}
            become(dictionary, self._made(dictionary, seed, {**own, **self._settings}))
        return rows, settings

    def _made(self, like: Dictionary, seed: int, settings: dict[str, Any]) -> Dictionary:
        return dictionary(self._by, d_in=like.d_in, width=like.width, seed=seed, **settings)


def become(old: Dictionary, new: Dictionary) -> None:
    """Give the object `old` all that `new` has, so that who holds it holds another dictionary."""
    old.__dict__.clear()
    old.__dict__.update(new.__dict__)


UNTRAINED = Untrained()
