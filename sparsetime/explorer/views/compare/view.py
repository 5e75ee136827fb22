"""Two dictionaries compared, atom by atom."""

from __future__ import annotations

from contextlib import suppress

from fastapi import APIRouter, Request

from sparsetime.errors import MismatchError
from sparsetime.explorer.manifests import Files, View
from sparsetime.explorer.server.parameters import Words, run_of
from sparsetime.explorer.workbench import compare
from sparsetime.explorer.workbench.workbench import Workbench

routes = APIRouter()


@routes.get("/compare")
def comparison(request: Request, left: Words, right: Words) -> compare.CompareView:
    """Two dictionaries matched atom to atom."""
    return compare.compare(run_of(request), left, right)


def export(workbench: Workbench) -> Files:
    """Every ordered pair of dictionaries by their places in the run.

    A pair over activations of different width is left out; the page says so.
    """
    run = workbench.opened
    files: dict[str, compare.CompareView] = {}
    for left, left_key in enumerate(run.shown):
        for right, right_key in enumerate(run.shown):
            if left == right:
                continue
            with suppress(MismatchError):
                files[f"compare-{left}-{right}.json"] = compare.compare(run, left_key, right_key)
    return files


VIEW = View(title="Compare", path="/compare", key="c", order=60, routes=routes, export=export)
