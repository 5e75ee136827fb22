"""Mean input when a feature fires, against shifted activity, and its amplitude spectrum."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.workbench.triggered_average import triggered_average

PANEL = Panel(
    title="Input when it fires", order=5, place="wide", computed=True, answer=triggered_average
)
