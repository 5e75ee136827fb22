"""Scorers: estimates of the importance of keys; one kind a file."""

from sparsetime.attention.scorers.scorer import Scorer

__all__ = ["Scorer"]
