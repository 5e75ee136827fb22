"""Mixers: what a step of a sequence model reads of earlier steps; one kind a file."""
