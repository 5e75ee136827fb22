"""Doors: how a policy takes the place of a model's own attention; one way a file."""
