"""Firing rates of a feature in recordings, by the values of a label."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.workbench.conditions_view import conditions

PANEL = Panel(title="Conditions", order=7, place="wide", answer=conditions)
