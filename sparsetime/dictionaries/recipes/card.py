"""Recipe cards of published dictionaries, and dictionaries made by recipe."""

from __future__ import annotations

from functools import cached_property
from typing import Any, final

import torch

from sparsetime.component_settings import checked_settings
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.initialise import reset_parameters
from sparsetime.errors import ConfigError
from sparsetime.registry import CARDS, Card
from sparsetime.torch_settings import with_gradients

_OBJECTIVE = "objective"


@final
class DictionaryCard(Card):
    """The card of a published dictionary; `make` takes d_in, width and its settings."""

    kind = "dictionary"

    @property
    def components(self) -> dict[str, str]:
        """The kind of every component, by role; terms of the objective are joined by plus signs."""
        kinds: dict[str, str] = {}
        for component in self._example.components:
            role = _OBJECTIVE if component.role == "term" else component.role
            kinds[role] = f"{kinds[role]} + {component.kind}" if role in kinds else component.kind
        return kinds

    @property
    def needs(self) -> frozenset[str]:
        """Fields of `Batch` that training needs besides x."""
        return self._example.needs

    @cached_property
    def _example(self) -> Dictionary:
        with torch.device("meta"):
            example: Dictionary = self.make(d_in=8, width=64)
        return example


#: Decorator: register a function that composes a dictionary as a recipe.
recipe = DictionaryCard.register


def dictionary(name: str, *, d_in: int, width: int, seed: int = 0, **settings: Any) -> Dictionary:
    """A new dictionary by recipe: `dictionary("topk", d_in=384, width=8192, k=32)`.

    d_in: dimension of the activations; width: number of latents; seed: of the random decoder rows;
    settings: the recipe's own (`sparsetime recipes NAME` lists them).

    Errors: UnknownNameError for an unknown recipe or setting, with the nearest names; ConfigError
    for settings out of range, and for a recipe of another kind.
    """
    card = CARDS[name]
    if not isinstance(card, DictionaryCard):
        raise ConfigError(
            f"got the recipe {name!r} of kind {card.kind!r}, expected one of kind 'dictionary'; "
            "sparsetime recipes lists them"
        )
    arguments = {"d_in": d_in, "width": width, **settings}
    checked = checked_settings(f"recipe {name!r}", card.make, arguments)
    with with_gradients():
        sae: Dictionary = card.make(**checked)
        sae.name = card.name
        reset_parameters(sae, seed)
    return sae
