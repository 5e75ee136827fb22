"""Layouts: how queries and keys are cut into units; one kind a file."""

from sparsetime.attention.layouts.layout import Layout

__all__ = ["Layout"]
