"""Reads of a sequence model over the timeline: step by lag."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane
from sparsetime.explorer.workbench.reads_view import reads

LANE = Lane(title="Reads", order=4, place="above", answer=reads)
