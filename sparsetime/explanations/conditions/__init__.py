"""Conditions: attributes of every step (token, shape, labels, place) that rules read."""
