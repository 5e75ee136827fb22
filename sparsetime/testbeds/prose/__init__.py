"""Prose testbed: a sentence model, the English that ships with Python, labels of every token."""
