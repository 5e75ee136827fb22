"""The whole sequence in a strip: change points, pinned rows, the part in view."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane

LANE = Lane(title="Minimap", order=10, place="strip")
