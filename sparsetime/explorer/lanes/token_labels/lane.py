"""Words or times over the rows of the timeline."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane

LANE = Lane(title="Token labels", order=90, place="input")
