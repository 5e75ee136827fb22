"""What a sparse model computed at each step, by layer, over the timeline."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane
from sparsetime.explorer.workbench.cost_strips import cost_strips

LANE = Lane(title="Cost", order=3, place="above", answer=cost_strips)
