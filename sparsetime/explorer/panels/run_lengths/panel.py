"""Histogram of the lengths of a feature's runs."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel

PANEL = Panel(title="Run lengths", order=10, place="charts")
