"""Heads: what a sequence model returns for its vectors; one kind a file."""
