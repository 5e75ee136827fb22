"""Names and stars of features, to export and import."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from sparsetime.explorer.manifests import Files, View
from sparsetime.explorer.server.parameters import Key, Number, Run
from sparsetime.explorer.workbench import feature
from sparsetime.explorer.workbench.schema import Label
from sparsetime.explorer.workbench.workbench import Workbench

routes = APIRouter()


@routes.get("/labels")
def labels(opened: Run) -> list[Label]:
    """All names and stars: the export."""
    return opened.labels.all()


@routes.post("/labels")
def add_labels(
    opened: Run, labels: Annotated[list[Label], Body(max_length=100_000)]
) -> list[Label]:
    """Set many at once: the import. Each must be of a feature that the run shows."""
    for label in labels:
        feature.check_feature(opened, label.dictionary, label.feature)
    opened.labels.add(labels)
    return opened.labels.all()


@routes.put("/dictionaries/{key}/features/{number}/label")
def set_label(
    opened: Run,
    key: Key,
    number: Number,
    name: Annotated[str, Body()] = "",
    starred: Annotated[bool, Body()] = False,
) -> Label:
    """Name or star a feature; an empty name without a star takes its label away."""
    feature.check_feature(opened, key, number)
    label = Label(dictionary=key, feature=number, name=name.strip(), starred=starred)
    opened.labels.add([label])
    return label


def export(workbench: Workbench) -> Files:
    """All labels."""
    return {"labels.json": workbench.opened.labels.all()}


VIEW = View(
    title="Labels",
    path="/labels",
    key="l",
    order=70,
    unfiltered="a name that a person gave to a feature holds in all recordings",
    routes=routes,
    export=export,
)
