"""Histogram of a feature's activation values."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel

PANEL = Panel(title="Activation values", order=20, place="charts")
