"""Lead and lag: features that begin shortly before a feature and after it."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.workbench.feature_lead_lag import feature_lead_lag

PANEL = Panel(title="Lead and lag", order=15, place="aside", computed=True, answer=feature_lead_lag)
