"""A feature around the onsets of events: average, null, and single onsets."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.workbench.peri_event_view import peri_event_view

PANEL = Panel(title="Around events", order=6, place="wide", answer=peri_event_view)
