"""Activating examples of a feature, by quantile of its activation value."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel

PANEL = Panel(title="Activating examples", order=10, place="main")
