"""Recipes of published methods of sparse computation: each a short file that composes a plan."""
