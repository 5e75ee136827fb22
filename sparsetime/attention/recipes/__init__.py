"""Recipes of published attention policies: each a short file that composes components.

A new file in this folder with a function under `@policy_recipe(...)` is a new recipe.
"""

from sparsetime.attention.recipes.card import AttentionPolicyCard, attention_policy, policy_recipe

__all__ = ["AttentionPolicyCard", "attention_policy", "policy_recipe"]
