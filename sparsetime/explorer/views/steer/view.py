"""Steer: a prompt continued with edited features, beside the plain continuation."""

from __future__ import annotations

from fastapi import APIRouter, Request

from sparsetime.explorer.manifests import View
from sparsetime.explorer.server.parameters import Key, Run, workbench_of
from sparsetime.explorer.workbench import steering

routes = APIRouter()


@routes.post("/dictionaries/{key}/steer")
async def steer(
    request: Request, opened: Run, key: Key, given: steering.SteerInput
) -> steering.SteerAnswer:
    """Continue a prompt with edited features and without; see `SteerInput`."""
    live = workbench_of(request).live
    return await live.worker.call(lambda: steering.steered(opened, live, key, given))


VIEW = View(
    title="Steer",
    path="/steer",
    key="r",
    order=32,
    exported=False,
    unfiltered="a prompt that is typed belongs to no recording",
    routes=routes,
)
