"""Masks: which vectors of a sequence are hidden; one kind a file."""
