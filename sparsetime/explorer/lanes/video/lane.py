"""Frames of a video over the rows of the timeline."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane

LANE = Lane(title="Video", order=20, place="input")
