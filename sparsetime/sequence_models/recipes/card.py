"""Recipe cards of published sequence models, and models made by recipe."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, final

import torch

from sparsetime.component_settings import checked_settings
from sparsetime.errors import ConfigError
from sparsetime.registry import CARDS, Card
from sparsetime.sequence_models.model import SequenceModel, components_of_model


@final
class SequenceModelCard(Card):
    """The card of a published sequence model; `make` takes d, layers and its settings."""

    kind = "sequence model"

    @property
    def components(self) -> Mapping[str, str]:
        """The kind of every component, by role; mixers are joined by plus signs, in order."""
        return components_of_model(self._example)

    @property
    def needs(self) -> frozenset[str]:
        """Nothing besides sequences."""
        return frozenset()

    @cached_property
    def _example(self) -> SequenceModel:
        with torch.device("meta"):
            example: SequenceModel = self.make()
        return example


#: Decorator: register a function that composes a sequence model as a recipe.
recipe = SequenceModelCard.register


def sequence_model(name: str, *, seed: int = 0, **settings: Any) -> SequenceModel:
    """A new sequence model by recipe: `sequence_model("titans", d_in=1, d=64, layers=2)`.

    seed: of the weights; settings: the recipe's own (`sparsetime recipes NAME` lists them). With
    vocabulary= the model reads and predicts symbols, with d_in= values.

    Errors: UnknownNameError for an unknown recipe or setting, with the nearest names; ConfigError
    for settings out of range, and for a recipe of another kind.
    """
    card = CARDS[name]
    if not isinstance(card, SequenceModelCard):
        raise ConfigError(
            f"got the recipe {name!r} of kind {card.kind!r}, expected one of kind "
            f"{SequenceModelCard.kind!r}; sparsetime recipes lists them"
        )
    checked = checked_settings(f"recipe {name!r}", card.make, {**settings, "seed": seed})
    model: SequenceModel = card.make(**checked)
    model.name = card.name
    return model
