"""Features of two dictionaries matched, and features followed over several."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from sparsetime.errors import MismatchError
from sparsetime.explorer.manifests import Files, View
from sparsetime.explorer.server.parameters import Run, Words
from sparsetime.explorer.workbench import matches
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.matching.match import BY

routes = APIRouter()
By = Annotated[str, Query(pattern="^(atoms|codes)$")]
_EXPORTED = 6  # dictionaries of which every pair is exported


@routes.get("/matches")
def matched(
    opened: Run,
    left: Words,
    right: Words,
    by: By = BY[0],
    shown: Annotated[int, Query(ge=1, le=matches.MOST_SHOWN)] = matches.SHOWN,
) -> matches.MatchView:
    """Two dictionaries matched by directions or by codes, with a null."""
    return matches.matches(opened, left, right, by, shown)


@routes.get("/flow")
def followed(
    opened: Run, keys: Annotated[list[str], Query(max_length=50)], by: By = BY[0]
) -> matches.FlowView:
    """Features followed over dictionaries in this order."""
    if len(keys) < 2:
        raise HTTPException(422, f"got {len(keys)} dictionary, expected at least two to follow")
    return matches.flow(opened, keys, by)


def export(workbench: Workbench) -> Files:
    """Every ordered pair of the first 6 dictionaries, by their places, and the flow over all.

    A pair over activations of different width is left out, and so is a flow that has one.
    """
    run = workbench.opened
    keys = list(run.shown)[:_EXPORTED]
    files: dict[str, matches.MatchView | matches.FlowView] = {}
    for a, left in enumerate(keys):
        for b, right in enumerate(keys):
            if a != b:
                with suppress(MismatchError):
                    files[f"matches-{a}-{b}.json"] = matches.matches(run, left, right)
    if len(keys) > 1:
        with suppress(MismatchError):
            files["flow.json"] = matches.flow(run, keys)
    return files


VIEW = View(
    title="Matches",
    path="/matches",
    key="m",
    order=58,
    unfiltered="pairs are matched by their directions, which belong to no recording",
    routes=routes,
    export=export,
)
