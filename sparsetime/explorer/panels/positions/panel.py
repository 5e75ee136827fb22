"""Density of a feature by position in the sequence."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel

PANEL = Panel(title="Positions", order=30, place="charts")
