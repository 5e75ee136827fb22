"""Steering judged by arms: features beside baselines and nulls at one bound of perplexity."""

from __future__ import annotations

from fastapi import APIRouter

from sparsetime.explorer.manifests import Files, View, files_by_dictionary
from sparsetime.explorer.server.parameters import Key, Run
from sparsetime.explorer.workbench import judged_steering
from sparsetime.explorer.workbench.workbench import Workbench

routes = APIRouter()


@routes.get("/dictionaries/{key}/judged")
def judged(opened: Run, key: Key) -> list[judged_steering.JudgedView]:
    """Comparisons that `sparsetime judge --out` saved beside the index."""
    return judged_steering.judged_steering(opened, key)


def export(workbench: Workbench) -> Files:
    """The comparisons of every dictionary, by its place in the run."""
    return files_by_dictionary(workbench, "judged-{place}.json", judged_steering.judged_steering)


VIEW = View(
    title="Judged",
    path="/judged",
    key="j",
    order=33,
    unfiltered="texts that were written belong to no recording",
    routes=routes,
    export=export,
)
