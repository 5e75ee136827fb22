"""The list of features: searched, filtered, sorted."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from sparsetime.errors import ConfigError, UnknownNameError
from sparsetime.explorer.manifests import View
from sparsetime.explorer.records import Part
from sparsetime.explorer.server.parameters import (
    Key,
    Limit,
    Offset,
    Only,
    Run,
    Split,
    Words,
    refuse_unknown,
)
from sparsetime.explorer.workbench import feature_columns, feature_list, recording_labels, search
from sparsetime.explorer.workbench.schema import FeaturePage

routes = APIRouter()
WhichPart = Annotated[
    Part, Query(description="The first group of features or the rest; `parts` says their names.")
]


@routes.get("/dictionaries/{key}/features")
def list_features(
    opened: Run,
    key: Key,
    words: Words = "",
    part: WhichPart = "",
    density_min: float = 0.0,
    density_max: float = 1.0,
    dwell_min: float = 0.0,
    dwell_max: float = 1e12,
    starred: bool = False,
    only: Only = "",
    split: Split = "",
    where: Annotated[list[str], Query(max_length=20)] = [],  # noqa: B006  FastAPI copies it
    sort: Annotated[str, Query(max_length=200)] = feature_list.INFORMATIVE,
    ascending: bool = False,
    offset: Offset = 0,
    limit: Limit = 50,
) -> FeaturePage:
    """Features that fit the filters, a page of them.

    `only` is a condition `label:value` on recordings, `split` a label; see `recording_labels`.
    `where` is any number of ranges `column:least:most`; `sort` is "informative" or any column that
    sorts; see the route `columns`.
    """
    shown = opened.dictionary(key)
    refuse_unknown(opened, key, only)
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
        only=only,
        split=split,
        sort=sort,
        ascending=ascending,
        offset=offset,
        limit=limit,
    )


@routes.get("/dictionaries/{key}/columns")
def list_columns(opened: Run, key: Key) -> list[feature_columns.FeatureColumn]:
    """The columns by which features are sorted, filtered and searched, with definitions."""
    return feature_columns.feature_columns(opened, key)


@routes.get("/dictionaries/{key}/recording_labels")
def list_recording_labels(opened: Run, key: Key) -> list[recording_labels.RecordingLabel]:
    """The labels of recordings by which lists are filtered and split, with their values."""
    return recording_labels.recording_labels(opened, key)


@routes.get("/dictionaries/{key}/moments")
def moments(opened: Run, key: Key, words: Words) -> search.WordSearch:
    """The features most enriched where these words occur, and the occurrences."""
    return search.features_of_words(opened, key, words)


VIEW = View(title="Features", path="/features", key="f", order=40, routes=routes)
