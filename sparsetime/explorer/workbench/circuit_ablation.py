"""Ablation of features of a saved circuit in the model, beside what the graph predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sparsetime.explorer.records import FrozenRecord
from sparsetime.explorer.workbench.circuits import circuit_folder
from sparsetime.files import Folder

if TYPE_CHECKING:
    from sparsetime.explorer.workbench.live import Live

MOST_ABLATED = 100  # features at once


class AblationInput(FrozenRecord):
    """Which features of a circuit are ablated together, by the numbers of their nodes."""

    nodes: tuple[int, ...] = Field(min_length=1, max_length=MOST_ABLATED)


class AblationAnswer(FrozenRecord):
    """Predicted and measured change of every target, in the order of the circuit's targets."""

    predicted: list[float]
    measured: list[float]


def ablated(folder: Folder, live: Live, name: str, given: AblationInput) -> AblationAnswer:
    """Ablate features of a circuit in the model, with errors kept, MLPs and attention free.

    Errors: UnknownNameError for a circuit that the run does not have; those of `open_circuit` with
    a model, of `AttributionGraph.verify` and of `Live.causal_model`.
    """
    from sparsetime.circuits.saved import JSON_NAME, open_circuit

    own = circuit_folder(folder, name)
    model = live.causal_model(str(own.read_json(JSON_NAME)["about"]["model"]))
    with live.lock:
        found = open_circuit(own.url, model).verify(groups=[list(given.nodes)])
    return AblationAnswer(
        predicted=found.table["predicted"].to_pylist(),
        measured=found.table["measured"].to_pylist(),
    )
