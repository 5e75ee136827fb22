"""Budgets: how many keys are kept; one kind a file."""

from sparsetime.attention.budgets.budget import Budget

__all__ = ["Budget"]
