"""Schedules: at which steps keys are chosen; one kind a file."""

from sparsetime.attention.schedules.schedule import Schedule

__all__ = ["Schedule"]
