"""Label and event tracks over the timeline."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane
from sparsetime.explorer.workbench.tracks import tracks

LANE = Lane(title="Tracks", order=2, place="above", answer=tracks)
