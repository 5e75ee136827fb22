"""The first page of a run: its dictionaries side by side, training, data."""

from __future__ import annotations

from fastapi import APIRouter, Request

from sparsetime.explorer.manifests import Files, View
from sparsetime.explorer.server.parameters import Run, workbench_of
from sparsetime.explorer.workbench import overview, preview
from sparsetime.explorer.workbench.schema import Overview, TrainingCurve
from sparsetime.explorer.workbench.workbench import Workbench

# Routes with include_in_schema=False are addresses of 0.1.0, which scripts and links still use.
routes = APIRouter()


@routes.get("/preview")
@routes.get("/glance", include_in_schema=False)
def preview_view(request: Request) -> preview.Preview:
    """A first picture of each dictionary, from the indexes alone: quick while the run opens."""
    return preview.preview(workbench_of(request).folder)


@routes.get("/run")
def run(request: Request, opened: Run) -> Overview:
    """The run at a glance."""
    return overview.overview(workbench_of(request), opened)


@routes.get("/training")
def training(request: Request) -> list[TrainingCurve]:
    """How each dictionary learns or learnt, as far as its log goes."""
    return overview.training(workbench_of(request))


def export(workbench: Workbench) -> Files:
    """The overview and the training curves."""
    return {"run.json": overview.overview(workbench), "training.json": overview.training(workbench)}


VIEW = View(
    title="Overview",
    path="/",
    key="o",
    order=10,
    needs_dictionary=False,
    routes=routes,
    export=export,
)
