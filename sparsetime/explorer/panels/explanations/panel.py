"""Explanations of a feature, with scores and the contexts in which they are right and wrong."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.workbench.explanations import explanations

PANEL = Panel(title="Explanations", order=6, place="wide", answer=explanations)
