"""Channels: what a block computes of every step on its own; one kind a file."""
