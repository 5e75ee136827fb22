"""Nearest atoms of a feature by cosine, in its dictionary and in the others."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel

PANEL = Panel(title="Nearest atoms", order=20, place="aside")
