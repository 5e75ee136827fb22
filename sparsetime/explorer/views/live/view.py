"""Live: a text or a series that is run through the model as it is typed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from sparsetime.errors import SparsetimeError
from sparsetime.explorer.manifests import View
from sparsetime.explorer.server.parameters import Key, Run, workbench_of
from sparsetime.explorer.workbench import live, live_stream
from sparsetime.explorer.workbench.live_worker import LiveRun

_PATIENCE = 1.0  # seconds until a run without a chunk says what it waits for

routes = APIRouter()


@routes.post("/dictionaries/{key}/live", response_class=StreamingResponse)
async def play(request: Request, opened: Run, key: Key, given: live.LiveInput) -> StreamingResponse:
    """Run a text or a series through the model: lines of JSON, each a `LiveChunk`.

    A run that waits says what for, in lines that are a `LiveState`. Of the inputs with the same
    `page` the newest alone is run: the others are answered with status 409 at once. What cannot be
    run is refused with a status of its own where a second shows it; a later error is the last line.
    """
    model = workbench_of(request).live
    live.check_input(opened, key, given)
    run = model.worker.start(lambda: live.play(opened, model, key, given), given.page)
    lines = _lines(model, run)
    first = await anext(lines)  # so that a refusal is an answer with its own status
    return StreamingResponse(_json_lines(first, lines), media_type="application/x-ndjson")


@routes.post("/dictionaries/{key}/live/stream")
async def stream(
    request: Request, opened: Run, key: Key, given: live_stream.LiveSamples
) -> live.LiveChunk:
    """The code of the next steps of a stream of samples; see `LiveSamples`."""
    workbench = workbench_of(request)
    model, streams = workbench.live, workbench.streams
    return await model.worker.call(lambda: streams.feed(opened, model, key, given))


async def _lines(model: live.Live, run: LiveRun[live.LiveChunk]) -> AsyncIterator[BaseModel]:
    """Chunks as they come, and states while none does; the run is stopped with its reader."""
    try:
        while True:
            try:
                chunk = await asyncio.wait_for(run.next_item(), _PATIENCE)
            except TimeoutError:
                yield model.state(run)
                continue
            if chunk is None:
                return
            yield chunk
    finally:
        run.stop()


async def _json_lines(first: BaseModel, lines: AsyncIterator[BaseModel]) -> AsyncIterator[str]:
    yield first.model_dump_json() + "\n"
    try:
        async for line in lines:
            yield line.model_dump_json() + "\n"
    except SparsetimeError as error:
        yield json.dumps({"error": str(error)}) + "\n"


VIEW = View(
    title="Live",
    path="/live",
    key="v",
    order=30,
    exported=False,
    unfiltered="what is entered live has no labels",
    routes=routes,
)
