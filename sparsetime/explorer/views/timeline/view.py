"""The timeline of one sequence: features as rows over time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response, StreamingResponse

from sparsetime.errors import DataError
from sparsetime.explorer.manifests import View
from sparsetime.explorer.row_choice import TOO_DENSE
from sparsetime.explorer.server.parameters import (
    First,
    Key,
    Limit,
    Offset,
    Only,
    Run,
    Sequence,
    Stop,
    Words,
)
from sparsetime.explorer.workbench import documents, feature, inputs, search, sound, timeline
from sparsetime.explorer.workbench.input_records import InputView
from sparsetime.explorer.workbench.schema import (
    DocumentPage,
    DocumentText,
    EnrichedFeature,
    Timeline,
)

# Routes with include_in_schema=False are addresses of 0.1.0, which scripts and links still use.
routes = APIRouter()


@routes.get("/dictionaries/{key}/sequences")
def sequences(
    opened: Run, key: Key, words: Words = "", offset: Offset = 0, limit: Limit = 50, only: Only = ""
) -> DocumentPage:
    """Sequences whose name or text holds these words."""
    return documents.documents(opened, key, words, offset, limit, only)


@routes.get("/dictionaries/{key}/sequences/{sequence}/words")
def words_of(
    opened: Run, key: Key, sequence: Sequence, first: First = 0, stop: Stop = None
) -> DocumentText:
    """The words of a segment, one a step."""
    return documents.document(opened, key, sequence, first, stop)


@routes.get("/dictionaries/{key}/sequences/{sequence}/timeline")
@routes.get("/dictionaries/{key}/sequences/{sequence}/score", include_in_schema=False)
def timeline_view(
    opened: Run,
    key: Key,
    sequence: Sequence,
    first: First = 0,
    stop: Stop = None,
    columns: Annotated[int, Query(ge=16, le=timeline.MOST_COLUMNS)] = timeline.COLUMNS,
    rows: Annotated[int, Query(ge=0, le=timeline.MOST_ROWS)] = timeline.ROWS,
    densest: Annotated[float, Query(ge=0, le=1)] = TOO_DENSE,
    reach: Annotated[int, Query(ge=0, le=100_000)] = 0,
    also: Annotated[list[int], Query(max_length=timeline.MOST_ROWS)] = [],  # noqa: B006  FastAPI copies it
) -> Timeline:
    """The timeline of a segment: features as rows, steps as columns."""
    for number in also:
        feature.check_feature(opened, key, number)
    return timeline.timeline(
        opened, key, sequence, first, stop,
        columns=columns, rows=rows, densest=densest, also=tuple(dict.fromkeys(also)), reach=reach,
    )  # fmt: skip


@routes.get("/dictionaries/{key}/sequences/{sequence}/input")
def input_view(
    opened: Run,
    key: Key,
    sequence: Sequence,
    first: First = 0,
    stop: Stop = None,
    columns: Annotated[int, Query(ge=16, le=4096)] = inputs.COLUMNS,
    frames: Annotated[int, Query(ge=1, le=200)] = inputs.MOST_FRAMES,
    channels: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
    packed: bool = False,
) -> InputView:
    """What the model read over a segment, where that was no text: a series or frames."""
    return inputs.input_view(
        opened, key, sequence, first, stop,
        columns=columns, frames=frames, channels=channels, packed=packed,
    )  # fmt: skip


@routes.get(
    "/dictionaries/{key}/sequences/{sequence}/sound.wav",
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}}},
)
def sound_of(
    opened: Run,
    key: Key,
    sequence: Sequence,
    byte_range: Annotated[str | None, Header(alias="range")] = None,
) -> Response:
    """The input of a sequence as a WAV file, whole or in the range of bytes that is asked for."""
    wav = sound.sound(opened, key, sequence)
    headers = {"Accept-Ranges": "bytes"}
    try:
        part = sound.byte_range(byte_range, wav.size)
    except DataError:
        headers["Content-Range"] = f"bytes */{wav.size}"
        return Response(status_code=416, headers=headers)
    if part is None:
        pieces = (
            wav.read(at, at + sound.MOST_BYTES) for at in range(0, wav.size, sound.MOST_BYTES)
        )
        headers["Content-Length"] = str(wav.size)
        return StreamingResponse(pieces, media_type="audio/wav", headers=headers)
    first, stop = part
    headers["Content-Range"] = f"bytes {first}-{stop - 1}/{wav.size}"
    return Response(wav.read(first, stop), 206, headers, "audio/wav")


@routes.get("/dictionaries/{key}/sequences/{sequence}/alike")
def alike(
    opened: Run,
    key: Key,
    sequence: Sequence,
    first: Annotated[int, Query(ge=0, lt=2**31)],
    stop: Annotated[int, Query(ge=1, lt=2**31)],
) -> list[search.SearchHit]:
    """Other passages in which the features of this segment fire together."""
    return search.similar_passages(opened, key, sequence, first, stop)


@routes.get("/dictionaries/{key}/sequences/{sequence}/specific")
def specific(
    opened: Run,
    key: Key,
    sequence: Sequence,
    first: Annotated[int, Query(ge=0, lt=2**31)],
    stop: Annotated[int, Query(ge=1, lt=2**31)],
    limit: Annotated[int, Query(ge=1, le=100)] = 12,
) -> list[EnrichedFeature]:
    """The features most enriched in a segment."""
    return timeline.enriched_features(opened, key, sequence, first, stop, limit)


VIEW = View(
    title="Timeline", path="/timeline", key="s", order=20, moved_from=("/score",), routes=routes
)
