"""Co-activation: features that fire with a feature, before it and after it."""

from __future__ import annotations

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.workbench.coactivation import coactivation_view

PANEL = Panel(
    title="Co-activation",
    order=10,
    place="aside",
    answer=coactivation_view,
    moved_from=("company",),
)
