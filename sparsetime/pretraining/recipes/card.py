"""Recipe cards of pretraining objectives, and objectives made by recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, final

from sparsetime.component_settings import checked_settings
from sparsetime.errors import ConfigError
from sparsetime.pretraining.objective import PretrainingObjective
from sparsetime.registry import CARDS, Card


@final
class PretrainingCard(Card):
    """The card of a published objective; `make` takes its settings."""

    kind = "pretraining"
    reads = "sequences"

    @property
    def components(self) -> Mapping[str, str]:
        """The kinds of the terms, and of the masks and pairs that they draw."""
        terms = self._example.terms
        kinds = {"term": " + ".join(str(term["kind"]) for term in terms)}
        for role in ("mask", "pair"):
            drawn = [term[role] for term in terms if role in term]
            names = [one if isinstance(one, str) else str(one["kind"]) for one in drawn]
            if names:
                kinds[role] = " + ".join(names)
        return kinds

    @property
    def needs(self) -> frozenset[str]:
        """Nothing besides sequences."""
        return frozenset()

    @cached_property
    def _example(self) -> PretrainingObjective:
        made: PretrainingObjective = self.make()
        return made


#: Decorator: register a function that composes an objective as a recipe.
recipe = PretrainingCard.register


def pretraining_objective(name: str, **settings: Any) -> PretrainingObjective:
    """An objective by recipe: `pretraining_objective("ts_jepa", share=0.5)`.

    settings: the recipe's own (`sparsetime recipes NAME` lists them).

    Errors: UnknownNameError for an unknown recipe or setting, with the nearest names; ConfigError
    for settings out of range, and for a recipe of another kind.
    """
    card = CARDS[name]
    if not isinstance(card, PretrainingCard):
        raise ConfigError(
            f"got the recipe {name!r} of kind {card.kind!r}, expected one of kind "
            f"{PretrainingCard.kind!r}; sparsetime recipes lists them"
        )
    made: PretrainingObjective = card.make(
        **checked_settings(f"recipe {name!r}", card.make, settings)
    )
    return replace(made, name=card.name)
