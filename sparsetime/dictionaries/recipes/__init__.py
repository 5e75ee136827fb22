"""Recipes of published dictionaries: each a short file that composes components.

A new file in this folder with a function under `@recipe(...)` is a new recipe.
"""

from sparsetime.dictionaries.recipes.card import DictionaryCard, dictionary, recipe

__all__ = ["DictionaryCard", "dictionary", "recipe"]
