"""Labels that a feature detects, and its tuning curve for each."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.workbench.label_scores import label_scores

PANEL = Panel(title="Labels", order=5, place="wide", answer=label_scores)
