"""The register of recipes, and how one is made into a dictionary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from sparsetime.dictionaries.component_settings import checked_settings, parameters_of
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.initialise import reset_parameters
from sparsetime.errors import unknown_name
from sparsetime.registry import read_folder


@dataclass(frozen=True)
class Recipe:
    """The card of a published dictionary.

    idea: what is new in it, in a sentence. claim: what its paper says that it achieves.
    source_of_defaults: where the defaults come from. cost: against TopK, in words.
    system: the claim's number in the list of published systems; None where it is not among them.
    defaults: every setting besides d_in and width, with the value it has if not given.
    """

    name: str
    title: str
    paper: str
    idea: str
    claim: str
    source_of_defaults: str
    cost: str
    system: int | None
    compose: Callable[..., Dictionary]

    @property
    def defaults(self) -> dict[str, Any]:
        parameters = parameters_of(self.compose).values()
        return {p.name: p.default for p in parameters if p.name not in ("d_in", "width")}

    @property
    def components(self) -> dict[str, str]:
        """The kind of every part, by role."""
        example = self._example
        kinds = {
            "encoder": example.encoder.kind,
            "sparsifier": example.sparsifier.kind,
            "decoder": example.decoder.kind,
            "objective": " + ".join(term.kind for term in example.objective.members),
        }
        return kinds if example.skip is None else {**kinds, "skip": example.skip.kind}

    @property
    def needs(self) -> frozenset[str]:
        """What a training batch must hold beside the activations: names of `Batch`'s fields."""
        return self._example.needs

    @cached_property
    def _example(self) -> Dictionary:
        with torch.device("meta"):
            return self.compose(d_in=8, width=64)


_RECIPES: dict[str, Recipe] = {}


def recipe(
    name: str,
    *,
    title: str,
    paper: str,
    idea: str,
    claim: str,
    source_of_defaults: str,
    cost: str,
    system: int | None = None,
) -> Callable[[Callable[..., Dictionary]], Callable[..., Dictionary]]:
    """Decorator: register a function that composes a dictionary as a recipe."""

    def register(compose: Callable[..., Dictionary]) -> Callable[..., Dictionary]:
        _RECIPES[name] = Recipe(
            name, title, paper, idea, claim, source_of_defaults, cost, system, compose
        )
        return compose

    return register


def recipes() -> list[Recipe]:
    """The cards of all recipes, by name."""
    read_folder("sparsetime.dictionaries.recipes")
    return [_RECIPES[name] for name in sorted(_RECIPES)]


def dictionary(name: str, *, d_in: int, width: int, seed: int = 0, **settings: Any) -> Dictionary:
    """A fresh dictionary by recipe: `dictionary("topk", d_in=384, width=8192, k=32)`.

    d_in: dimension of the activations; width: number of latents; seed: of the random atoms;
    settings: the recipe's own (`sparsetime recipes NAME` lists them).

    Errors: an unknown recipe or setting is named with the nearest known ones; ConfigError for
    settings out of range.
    """
    read_folder("sparsetime.dictionaries.recipes")
    if name not in _RECIPES:
        raise unknown_name("recipe", name, _RECIPES)
    card = _RECIPES[name]
    chosen = {"d_in": d_in, "width": width, **settings}
    made = card.compose(**checked_settings(f"recipe {name!r}", card.compose, chosen))
    made.name = name
    reset_parameters(made, seed)
    return made
