"""Saved circuits of the run: attribution graphs over steps and layers, and ablations of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from sparsetime.explorer.manifests import Files, View
from sparsetime.explorer.server.parameters import Run, workbench_of
from sparsetime.explorer.workbench import circuit_ablation, circuits
from sparsetime.explorer.workbench.workbench import Workbench

routes = APIRouter()
Name = Annotated[str, Path(description="The circuit's folder in the run.", max_length=200)]


@routes.get("/circuits")
def listed(request: Request) -> list[circuits.CircuitEntry]:
    """The circuits that are saved in the run's folder `circuits`."""
    return circuits.circuits(workbench_of(request).folder)


@routes.get("/circuits/{name}")
def circuit(request: Request, opened: Run, name: Name) -> circuits.CircuitView:
    """The nodes of a circuit that have most influence, and their edges."""
    return circuits.circuit_view(workbench_of(request).folder, opened, name)


@routes.post("/circuits/{name}/ablation")
async def ablation(
    request: Request, name: Name, given: circuit_ablation.AblationInput
) -> circuit_ablation.AblationAnswer:
    """Ablate features of a circuit in the model; see `AblationInput`."""
    folder, live = workbench_of(request).folder, workbench_of(request).live
    return await live.worker.call(lambda: circuit_ablation.ablated(folder, live, name, given))


def export(workbench: Workbench) -> Files:
    """The list, and every circuit that can be shown, with the ablations that it holds."""
    listing = circuits.circuits(workbench.folder)
    files: dict[str, circuits.CircuitView | list[circuits.CircuitEntry]] = {
        "circuits.json": listing
    }
    for one in listing:
        if not one.note:
            files[f"circuits/{one.name}.json"] = circuits.circuit_view(
                workbench.folder, workbench.opened, one.name
            )
    return files


VIEW = View(
    title="Circuits",
    path="/circuits",
    key="i",
    order=59,
    needs_dictionary=False,
    unfiltered="a circuit is of one text",
    routes=routes,
    export=export,
)
