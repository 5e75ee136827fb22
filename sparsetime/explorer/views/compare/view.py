"""Two dictionaries compared, atom by atom."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query

from sparsetime.errors import MismatchError
from sparsetime.explorer.manifests import Files, View
from sparsetime.explorer.server.parameters import Only, Run, Split, Words, refuse_unknown
from sparsetime.explorer.workbench import compare
from sparsetime.explorer.workbench.workbench import Workbench

routes = APIRouter()


@routes.get("/compare")
def comparison(
    opened: Run,
    left: Words,
    right: Words,
    shown: Annotated[int, Query(ge=1, le=compare.MOST_SHOWN)] = compare.SHOWN,
    only: Only = "",
    split: Split = "",
) -> compare.CompareView:
    """Two dictionaries matched atom to atom; `shown` is the most entries of each list.

    `only` is a condition `label:value` on recordings, `split` a label; see `recording_labels`.
    """
    for key in (left, right):
        refuse_unknown(opened, key, only)
    return compare.compare(opened, left, right, shown, only, split)


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
