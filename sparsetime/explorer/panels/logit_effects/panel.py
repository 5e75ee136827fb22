"""Logit effects: tokens that a feature raises and lowers at the unembedding."""

from __future__ import annotations

from fastapi import APIRouter, Request

from sparsetime.explorer.manifests import Panel
from sparsetime.explorer.server.parameters import Key, Number, Run, workbench_of
from sparsetime.explorer.workbench import logit_effects

# Routes with include_in_schema=False are addresses of 0.1.0, which scripts and links still use.
routes = APIRouter()


@routes.get("/dictionaries/{key}/features/{number}/logit_effects")
@routes.get("/dictionaries/{key}/features/{number}/writes", include_in_schema=False)
async def logit_effects_view(
    request: Request, opened: Run, key: Key, number: Number
) -> logit_effects.LogitEffects:
    """The tokens that it raises and lowers, straight at the unembedding; loads the model."""
    live = workbench_of(request).live
    return await live.worker.call(lambda: logit_effects.logit_effects(opened, live, key, number))


PANEL = Panel(title="Logit effects", order=30, place="aside", exported=False, routes=routes)
