"""The page of one feature."""

from __future__ import annotations

from fastapi import APIRouter

from sparsetime.explorer.manifests import View
from sparsetime.explorer.server.parameters import Key, Number, Only, Run, refuse_unknown
from sparsetime.explorer.workbench import feature
from sparsetime.explorer.workbench.schema import FeatureView

routes = APIRouter()


@routes.get("/dictionaries/{key}/features/{number}")
def feature_view(opened: Run, key: Key, number: Number, only: Only = "") -> FeatureView:
    """One feature: statistics, examples at every activation value, and run lengths.

    `only` is a condition `label:value` on the recordings that examples are taken from.
    """
    refuse_unknown(opened, key, only)
    return feature.feature(opened, key, number, only)


VIEW = View(
    title="Feature", path="/features/{key}/{number}", order=50, navigation=False, routes=routes
)
