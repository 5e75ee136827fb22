"""Residues or letters over the rows of the timeline, with a ruler."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane

LANE = Lane(title="Letters", order=30, place="input")
