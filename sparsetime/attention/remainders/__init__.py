"""Remainders: what stands for keys that are not read; one kind a file."""

from sparsetime.attention.remainders.remainder import Remainder

__all__ = ["Remainder"]
