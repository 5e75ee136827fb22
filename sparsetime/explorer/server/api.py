"""The HTTP API: each route calls one function of the workbench and returns its record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Path, Query, Request
from fastapi.responses import StreamingResponse

from sparsetime.errors import ConfigError, SparsetimeError, UnknownNameError
from sparsetime.explorer.report_schema import Part
from sparsetime.explorer.row_choice import TOO_DENSE
from sparsetime.explorer.workbench import (
    coactivation,
    compare,
    documents,
    feature,
    feature_columns,
    feature_list,
    inputs,
    live,
    logit_effects,
    overview,
    preview,
    search,
    timeline,
)
from sparsetime.explorer.workbench.input_records import InputView
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import (
    CoactivationView,
    DocumentPage,
    DocumentText,
    EnrichedFeature,
    FeaturePage,
    FeatureView,
    Label,
    Overview,
    Timeline,
    TrainingCurve,
)
from sparsetime.explorer.workbench.workbench import Workbench

router = APIRouter(prefix="/api")
# Routes with include_in_schema=False are addresses of 0.1.0, which scripts and links still use.

Key = Annotated[str, Path(description="The dictionary's folder in the run.", max_length=200)]
Number = Annotated[int, Path(description="The feature's number.", ge=0, lt=2**31)]
Sequence = Annotated[int, Path(description="The sequence's number in the store.", ge=0, lt=2**31)]
First = Annotated[int, Query(description="The first step.", ge=0, lt=2**31)]
Stop = Annotated[int | None, Query(description="The step after the last.", ge=1, lt=2**31)]
Words = Annotated[str, Query(max_length=200)]
Offset = Annotated[int, Query(ge=0, lt=2**31)]
WhichPart = Annotated[
    Part, Query(description="The first group of features or the rest; `parts` says their names.")
]
Limit = Annotated[int, Query(ge=1, le=500)]


def _workbench(request: Request) -> Workbench:
    found: Workbench = request.app.state.workbench
    return found


def _opened(request: Request) -> RunCache:
    return _workbench(request).opened


@router.get("/preview")
@router.get("/glance", include_in_schema=False)
def preview_view(request: Request) -> preview.Preview:
    """A first picture of each dictionary, from the indexes alone: quick while the run opens."""
    return preview.preview(_workbench(request).folder)


@router.get("/run")
def run(request: Request) -> Overview:
    """The run at a glance."""
    return overview.overview(_workbench(request))


@router.get("/training")
def training(request: Request) -> list[TrainingCurve]:
    """How each dictionary learns or learnt, as far as its log goes."""
    return overview.training(_workbench(request))


@router.get("/dictionaries/{key}/features")
def list_features(
    request: Request,
    key: Key,
    words: Words = "",
    part: WhichPart = "",
    density_min: float = 0.0,
    density_max: float = 1.0,
    dwell_min: float = 0.0,
    dwell_max: float = 1e12,
    starred: bool = False,
    where: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006  FastAPI copies it
    sort: Annotated[str, Query(max_length=200)] = feature_list.INFORMATIVE,
    ascending: bool = False,
    offset: Offset = 0,
    limit: Limit = 50,
) -> FeaturePage:
    """Features that fit the filters, a page of them.

    `where` is any number of ranges `column:least:most`; `sort` is "informative" or any column that
    sorts; see the route `columns`.
    """
    opened = _opened(request)
    shown = opened.dictionary(key)
    try:
        ranges = feature_columns.parse_ranges(where)
        feature_list.check_order(shown, [sort, *ranges])
    except (ConfigError, UnknownNameError) as error:
        raise HTTPException(422, str(error)) from error
    return feature_list.features(
        opened,
        key,
        words=words,
        part=part,
        density=(density_min, density_max),
        dwell=(dwell_min, dwell_max),
        starred=starred,
        ranges=ranges,
        sort=sort,
        ascending=ascending,
        offset=offset,
        limit=limit,
    )


@router.get("/dictionaries/{key}/columns")
def list_columns(request: Request, key: Key) -> list[feature_columns.FeatureColumn]:
    """The columns by which features are sorted, filtered and searched, with definitions."""
    return feature_columns.feature_columns(_opened(request), key)


@router.get("/dictionaries/{key}/features/{number}")
def feature_view(request: Request, key: Key, number: Number) -> FeatureView:
    """One feature: figures, moments at every strength, how long it lasts."""
    return feature.feature(_opened(request), key, number)


@router.get("/dictionaries/{key}/features/{number}/coactivation")
@router.get("/dictionaries/{key}/features/{number}/company", include_in_schema=False)
def coactivation_view(request: Request, key: Key, number: Number) -> CoactivationView:
    """What fires with it, before it and after it, and the nearest atoms."""
    return coactivation.coactivation_view(_opened(request), key, number)


@router.get("/dictionaries/{key}/features/{number}/logit_effects")
@router.get("/dictionaries/{key}/features/{number}/writes", include_in_schema=False)
def logit_effects_view(request: Request, key: Key, number: Number) -> logit_effects.LogitEffects:
    """The tokens that it raises and lowers, straight at the unembedding; loads the model."""
    return logit_effects.logit_effects(_opened(request), _workbench(request).live, key, number)


@router.get("/dictionaries/{key}/moments")
def moments(request: Request, key: Key, words: Words) -> search.WordSearch:
    """The features that have these words most to themselves, and where the words stand."""
    return search.features_of_words(_opened(request), key, words)


@router.get("/dictionaries/{key}/sequences")
def sequences(
    request: Request, key: Key, words: Words = "", offset: Offset = 0, limit: Limit = 50
) -> DocumentPage:
    """Sequences whose name or text holds these words."""
    return documents.documents(_opened(request), key, words, offset, limit)


@router.get("/dictionaries/{key}/sequences/{sequence}/words")
def words_of(
    request: Request, key: Key, sequence: Sequence, first: First = 0, stop: Stop = None
) -> DocumentText:
    """The words of a segment, one a step."""
    return documents.document(_opened(request), key, sequence, first, stop)


@router.get("/dictionaries/{key}/sequences/{sequence}/timeline")
@router.get("/dictionaries/{key}/sequences/{sequence}/score", include_in_schema=False)
def timeline_view(
    request: Request,
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
    opened = _opened(request)
    for number in also:
        feature.check_feature(opened, key, number)
    return timeline.timeline(
        opened, key, sequence, first, stop,
        columns=columns, rows=rows, densest=densest, also=tuple(dict.fromkeys(also)), reach=reach,
    )  # fmt: skip


@router.get("/dictionaries/{key}/sequences/{sequence}/input")
def input_view(
    request: Request,
    key: Key,
    sequence: Sequence,
    first: First = 0,
    stop: Stop = None,
    columns: Annotated[int, Query(ge=16, le=4096)] = inputs.COLUMNS,
    frames: Annotated[int, Query(ge=1, le=200)] = inputs.MOST_FRAMES,
) -> InputView:
    """What the model read over a segment, where that was no text: a series or frames."""
    return inputs.input_view(
        _opened(request), key, sequence, first, stop, columns=columns, frames=frames
    )


@router.get("/dictionaries/{key}/sequences/{sequence}/alike")
def alike(
    request: Request,
    key: Key,
    sequence: Sequence,
    first: Annotated[int, Query(ge=0, lt=2**31)],
    stop: Annotated[int, Query(ge=1, lt=2**31)],
) -> list[search.SearchHit]:
    """Other passages in which the features of this segment fire together."""
    return search.similar_passages(_opened(request), key, sequence, first, stop)


@router.get("/dictionaries/{key}/sequences/{sequence}/specific")
def specific(
    request: Request,
    key: Key,
    sequence: Sequence,
    first: Annotated[int, Query(ge=0, lt=2**31)],
    stop: Annotated[int, Query(ge=1, lt=2**31)],
    limit: Annotated[int, Query(ge=1, le=100)] = 12,
) -> list[EnrichedFeature]:
    """The features that a segment has most to itself."""
    return timeline.enriched_features(_opened(request), key, sequence, first, stop, limit)


@router.post("/dictionaries/{key}/live", response_class=StreamingResponse)
def play(request: Request, key: Key, given: live.LiveInput) -> StreamingResponse:
    """Run a text or a series through the model: lines of JSON, each a `LiveChunk`.

    What cannot be run is refused at once; an error on the way is the last line.
    """
    chunks = live.play(_opened(request), _workbench(request).live, key, given)
    first = next(chunks)  # so that a refusal is an answer with its own status
    return StreamingResponse(_lines(chain([first], chunks)), media_type="application/x-ndjson")


def _lines(chunks: Iterator[live.LiveChunk]) -> Iterator[str]:
    try:
        for chunk in chunks:
            yield chunk.model_dump_json() + "\n"
    except SparsetimeError as error:
        yield json.dumps({"error": str(error)}) + "\n"


@router.get("/compare")
def comparison(request: Request, left: Words, right: Words) -> compare.CompareView:
    """Two dictionaries matched atom to atom."""
    return compare.compare(_opened(request), left, right)


@router.get("/labels")
def labels(request: Request) -> list[Label]:
    """All names and stars: the export."""
    return _opened(request).labels.all()


@router.post("/labels")
def add_labels(
    request: Request, labels: Annotated[list[Label], Body(max_length=100_000)]
) -> list[Label]:
    """Set many at once: the import. Each must be of a feature that the run shows."""
    opened = _opened(request)
    for label in labels:
        feature.check_feature(opened, label.dictionary, label.feature)
    opened.labels.add(labels)
    return opened.labels.all()


@router.put("/dictionaries/{key}/features/{number}/label")
def set_label(
    request: Request,
    key: Key,
    number: Number,
    name: Annotated[str, Body()] = "",
    starred: Annotated[bool, Body()] = False,
) -> Label:
    """Name or star a feature; an empty name without a star takes its label away."""
    opened = _opened(request)
    feature.check_feature(opened, key, number)
    label = Label(dictionary=key, feature=number, name=name.strip(), starred=starred)
    opened.labels.add([label])
    return label
