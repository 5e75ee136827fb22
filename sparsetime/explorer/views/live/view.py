"""Live: a text or a series that is run through the model as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from sparsetime.errors import SparsetimeError
from sparsetime.explorer.manifests import View
from sparsetime.explorer.server.parameters import Key, run_of, workbench_of
from sparsetime.explorer.workbench import live

routes = APIRouter()


@routes.post("/dictionaries/{key}/live", response_class=StreamingResponse)
def play(request: Request, key: Key, given: live.LiveInput) -> StreamingResponse:
    """Run a text or a series through the model: lines of JSON, each a `LiveChunk`.

    What cannot be run is refused at once; an error on the way is the last line.
    """
    chunks = live.play(run_of(request), workbench_of(request).live, key, given)
    first = next(chunks)  # so that a refusal is an answer with its own status
    return StreamingResponse(_lines(chain([first], chunks)), media_type="application/x-ndjson")


def _lines(chunks: Iterator[live.LiveChunk]) -> Iterator[str]:
    try:
        for chunk in chunks:
            yield chunk.model_dump_json() + "\n"
    except SparsetimeError as error:
        yield json.dumps({"error": str(error)}) + "\n"


VIEW = View(title="Live", path="/live", key="v", order=30, exported=False, routes=routes)
