"""Channels of a series over the rows of the timeline."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane

LANE = Lane(title="Series", order=10, place="input")
