"""Explanations of all features: a queue, and where each explanation is right and wrong."""

from __future__ import annotations

from fastapi import APIRouter

from sparsetime.explorer.manifests import Files, View, files_by_dictionary
from sparsetime.explorer.server.parameters import Key, Run
from sparsetime.explorer.workbench import explanations
from sparsetime.explorer.workbench.workbench import Workbench

routes = APIRouter()


@routes.get("/dictionaries/{key}/explanations")
def queue(opened: Run, key: Key) -> explanations.ExplanationQueue:
    """The explained features of a dictionary, those whose explanation is poorest first."""
    return explanations.queue(opened, key)


def export(workbench: Workbench) -> Files:
    """The queue of each dictionary, by its place in the run; features have their own files."""
    return files_by_dictionary(workbench, "{place}/explanations.json", explanations.queue)


VIEW = View(
    title="Explanations",
    path="/explanations",
    key="e",
    order=55,
    unfiltered="scores are of the recordings that were held out when rules were searched for",
    routes=routes,
    export=export,
)
