"""Moments that were found, and surprise, over the timeline."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane
from sparsetime.explorer.workbench.moments_view import moments

LANE = Lane(title="Moments", order=3, place="above", answer=moments)
