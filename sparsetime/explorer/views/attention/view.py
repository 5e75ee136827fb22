"""Attention of the model along time: what a step read, who read it, what policies keep of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from sparsetime.explorer.manifests import View
from sparsetime.explorer.server.parameters import First, Run, Stop, workbench_of
from sparsetime.explorer.workbench import attention_map, kept_attention

routes = APIRouter()
Name = Annotated[str, Path(description="The folder in the run's `attention`.", max_length=200)]
Head = Annotated[int, Path(description="The head's place in the list of heads.", ge=0, lt=2**31)]
Policy = Annotated[int | None, Query(description="The place of a policy.", ge=0, lt=2**31)]


@routes.get("/attention")
def listed(request: Request) -> list[kept_attention.AttentionEntry]:
    """The attention that is kept in the run's folder `attention`."""
    return kept_attention.attention_list(workbench_of(request).folder)


@routes.get("/attention/{name}")
def view(request: Request, opened: Run, name: Name) -> kept_attention.AttentionView:
    """The heads of kept attention, with the texts of its steps."""
    workbench = workbench_of(request)
    kept = workbench.attention.opened(workbench.folder, name)
    return kept_attention.attention_view(kept, name, opened)


@routes.get("/attention/{name}/lanes")
def lanes(
    request: Request,
    name: Name,
    value: kept_attention.Value = "distance",
    first: First = 0,
    stop: Stop = None,
    columns: Annotated[int, Query(ge=1, le=kept_attention.MOST_COLUMNS)] = 1024,
) -> kept_attention.AttentionLanes:
    """A value of all heads along time."""
    workbench = workbench_of(request)
    kept = workbench.attention.opened(workbench.folder, name)
    return kept_attention.attention_lanes(kept, value, first, stop, columns)


@routes.get("/attention/{name}/heads/{head}/map")
def pattern_map(
    request: Request,
    name: Name,
    head: Head,
    policy: Policy = None,
    second: Policy = None,
    first_query: First = 0,
    stop_query: Stop = None,
    first_key: First = 0,
    stop_key: Stop = None,
    cells: Annotated[int, Query(ge=1, le=attention_map.MOST_CELLS)] = attention_map.CELLS,
) -> attention_map.AttentionMap:
    """Attention mass by queries and keys, and what one or two policies read of it."""
    workbench = workbench_of(request)
    own = workbench.attention.head(workbench.folder, name, head)
    end = len(own.keys)
    queries = (first_query, end if stop_query is None else stop_query)
    keys = (first_key, end if stop_key is None else stop_key)
    return attention_map.attention_map(own, queries, keys, policy, second, cells)


@routes.get("/attention/{name}/heads/{head}/moment")
def moment(
    request: Request, name: Name, head: Head, step: First = 0
) -> kept_attention.AttentionMoment:
    """What a step read by a head, and which steps read it."""
    workbench = workbench_of(request)
    own = workbench.attention.head(workbench.folder, name, head)
    return kept_attention.attention_moment(own, step)


@routes.get("/attention/{name}/heads/{head}/pairs")
def pairs(request: Request, name: Name, head: Head) -> list[kept_attention.ContextPair]:
    """The strongest pairs of a head in context."""
    workbench = workbench_of(request)
    kept = workbench.attention.opened(workbench.folder, name)
    own = workbench.attention.head(workbench.folder, name, head)
    return kept_attention.strongest_in_context(kept, own)


VIEW = View(
    title="Attention",
    path="/attention",
    key="h",
    order=58,
    needs_dictionary=False,
    exported=False,
    unfiltered="kept attention is of one sequence",
    routes=routes,
)
