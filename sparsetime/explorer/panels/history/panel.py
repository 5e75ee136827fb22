"""A feature over the training, from snapshots."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel

PANEL = Panel(title="History", order=10, place="wide", silent_features=True)
