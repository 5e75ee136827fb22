"""The register of recipes, and how one is made into a dictionary."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import Any, get_type_hints

from pydantic import PositiveInt, StrictInt, create_model

from sparsetime.config import Settings, validated
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.part import check_settings
from sparsetime.errors import unknown_name


@dataclass(frozen=True)
class Recipe:
    """The card of a published dictionary.

    idea: what is new in it, in a sentence. claim: what its paper says that it achieves.
    defaults: every setting besides d_in and width, with the value it has if not given.
    """

    name: str
    title: str
    paper: str
    idea: str
    claim: str
    compose: Callable[..., Dictionary]

    @property
    def defaults(self) -> dict[str, Any]:
        parameters = inspect.signature(self.compose).parameters.values()
        return {p.name: p.default for p in parameters if p.name not in ("d_in", "width")}

    @cached_property
    def settings_model(self) -> type[Settings]:
        """The settings with their types, as the function's signature says them."""
        types = get_type_hints(self.compose)
        fields: dict[str, Any] = {"d_in": (PositiveInt, ...), "width": (PositiveInt, ...)}
        for name, default in self.defaults.items():
            fields[name] = (_strict(types[name]), default)
        return create_model(self.name, __base__=Settings, **fields)

    @property
    def parts(self) -> dict[str, str]:
        """The kind of every part, by role."""
        example = self._example
        return {
            "encoder": example.encoder.kind,
            "sparsifier": example.sparsifier.kind,
            "atoms": example.decoder.kind,
            "objective": " + ".join(term["kind"] for term in example.objective.written()),
        }

    @property
    def needs(self) -> str:
        """What a training batch consists of: "rows" or "pairs"."""
        return self._example.needs

    @cached_property
    def _example(self) -> Dictionary:
        import torch

        with torch.device("meta"):
            return self.compose(d_in=8, width=64)


def _strict(annotation: Any) -> Any:
    """A count is a whole number: neither 2.5 nor True will do."""
    if annotation is int:
        return StrictInt
    return StrictInt | None if annotation == int | None else annotation


_RECIPES: dict[str, Recipe] = {}


def recipe(
    name: str, *, title: str, paper: str, idea: str, claim: str
) -> Callable[[Callable[..., Dictionary]], Callable[..., Dictionary]]:
    """Decorator: register a function that composes a dictionary as a recipe."""

    def register(compose: Callable[..., Dictionary]) -> Callable[..., Dictionary]:
        _RECIPES[name] = Recipe(name, title, paper, idea, claim, compose)
        return compose

    return register


@cache
def _read_folder() -> None:
    import sparsetime.dictionaries.recipes as folder

    for module in pkgutil.iter_modules(folder.__path__):
        import_module(f"{folder.__name__}.{module.name}")


def recipes() -> list[Recipe]:
    """The cards of all recipes, by name."""
    _read_folder()
    return [_RECIPES[name] for name in sorted(_RECIPES)]


def dictionary(name: str, *, d_in: int, width: int, seed: int = 0, **settings: Any) -> Dictionary:
    """A fresh dictionary by recipe: `dictionary("topk", d_in=384, width=8192, k=32)`.

    d_in: dimension of the activations; width: number of latents; seed: of the random atoms;
    settings: the recipe's own (`sparsetime recipes NAME` lists them).

    Errors: an unknown recipe or setting is named with the nearest known ones; ConfigError for
    settings out of range.
    """
    _read_folder()
    if name not in _RECIPES:
        raise unknown_name("recipe", name, _RECIPES)
    card = _RECIPES[name]
    chosen = {"d_in": d_in, "width": width, **settings}
    check_settings(f"recipe {name!r}", chosen, card.compose)
    made = card.compose(**validated(card.settings_model, chosen, f"recipe {name!r}").__dict__)
    made.name = name
    made.start(seed)
    return made
