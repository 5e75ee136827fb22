"""Recipes of published objectives over time: each a short file that composes terms."""

from sparsetime.pretraining.recipes.card import PretrainingCard, pretraining_objective, recipe

__all__ = ["PretrainingCard", "pretraining_objective", "recipe"]
