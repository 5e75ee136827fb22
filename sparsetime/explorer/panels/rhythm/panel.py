"""Rhythm of a feature: its power spectrum and its beat."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.workbench.feature_rhythm import feature_rhythm

PANEL = Panel(title="Rhythm", order=40, place="charts", computed=True, answer=feature_rhythm)
