"""The page of one feature."""

from __future__ import annotations

from fastapi import APIRouter, Request

from sparsetime.explorer.manifests import View
from sparsetime.explorer.server.parameters import Key, Number, run_of
from sparsetime.explorer.workbench import feature
from sparsetime.explorer.workbench.schema import FeatureView

routes = APIRouter()


@routes.get("/dictionaries/{key}/features/{number}")
def feature_view(request: Request, key: Key, number: Number) -> FeatureView:
    """One feature: statistics, examples at every activation value, and run lengths."""
    return feature.feature(run_of(request), key, number)


VIEW = View(
    title="Feature", path="/features/{key}/{number}", order=50, navigation=False, routes=routes
)
