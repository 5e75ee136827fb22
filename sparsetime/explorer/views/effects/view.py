"""Effects of edits by lag, with the band of the null."""

from __future__ import annotations

from fastapi import APIRouter

from sparsetime.explorer.manifests import Files, View, files_by_dictionary
from sparsetime.explorer.server.parameters import Key, Run
from sparsetime.explorer.workbench import saved_effects
from sparsetime.explorer.workbench.workbench import Workbench

routes = APIRouter()


@routes.get("/dictionaries/{key}/effects")
def effects(opened: Run, key: Key) -> list[saved_effects.EffectsView]:
    """Effects that were measured with `sparsetime effects --out` and the index's folder."""
    return saved_effects.saved_effects(opened, key)


def export(workbench: Workbench) -> Files:
    """The effects of every dictionary, by its place in the run."""
    return files_by_dictionary(workbench, "effects-{place}.json", saved_effects.saved_effects)


VIEW = View(
    title="Effects",
    path="/effects",
    key="x",
    order=34,
    unfiltered="an effect is a mean over the windows that were measured",
    routes=routes,
    export=export,
)
