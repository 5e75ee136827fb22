"""Recipes of published sequence models: each a short file that composes components."""

from sparsetime.sequence_models.recipes.card import SequenceModelCard, recipe, sequence_model

__all__ = ["SequenceModelCard", "recipe", "sequence_model"]
