"""Published dictionaries, each a short file that composes parts.

A new file in this folder with a function under `@recipe(...)` is a new recipe: nothing else needs
to know of it.
"""

from sparsetime.dictionaries.recipes.card import Recipe, dictionary, recipe, recipes

__all__ = ["Recipe", "dictionary", "recipe", "recipes"]
