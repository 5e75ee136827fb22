"""The page of one feature."""

from __future__ import annotations

from fastapi import APIRouter

from sparsetime.explorer.manifests import View
from sparsetime.explorer.server.parameters import Key, Number, Run
from sparsetime.explorer.workbench import feature
from sparsetime.explorer.workbench.schema import FeatureView

routes = APIRouter()


@routes.get("/dictionaries/{key}/features/{number}")
def feature_view(opened: Run, key: Key, number: Number) -> FeatureView:
    """One feature: statistics, examples at every activation value, and run lengths."""
    return feature.feature(opened, key, number)


VIEW = View(
    title="Feature", path="/features/{key}/{number}", order=50, navigation=False, routes=routes
)
