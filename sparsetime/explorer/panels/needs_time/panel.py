"""How much of a feature's activation changes when steps of the input change places."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel

PANEL = Panel(title="Need for time", order=12, place="aside")
