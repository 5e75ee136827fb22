"""Every metric of every dictionary, with its interval and its null."""

from __future__ import annotations

from fastapi import APIRouter

from sparsetime.explorer.manifests import Files, View
from sparsetime.explorer.server.parameters import Run
from sparsetime.explorer.workbench import evaluation
from sparsetime.explorer.workbench.workbench import Workbench

routes = APIRouter()


@routes.get("/evaluation")
def evaluated(opened: Run) -> evaluation.EvaluationView:
    """Metrics of `sparsetime evaluate` and scores of `save_scores`, of every dictionary."""
    return evaluation.evaluation(opened)


def export(workbench: Workbench) -> Files:
    """The metrics and scores of the run."""
    return {"evaluation.json": evaluation.evaluation(workbench.opened)}


VIEW = View(
    title="Evaluation",
    path="/evaluation",
    key="a",
    order=62,
    unfiltered="metrics are of all recordings that were evaluated",
    routes=routes,
    export=export,
)
