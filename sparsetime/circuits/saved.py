"""Circuits on disk: JSON, a Parquet table of nodes and a safetensors file of weights."""

from __future__ import annotations

import os
from dataclasses import asdict

import torch

from sparsetime.circuits.attribution_graph import AttributionGraph
from sparsetime.circuits.scores import Scores
from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.files.formats import table_bytes

SCHEMA_VERSION = 1
JSON_NAME, NODES, WEIGHTS = "circuit.json", "nodes.parquet", "weights.safetensors"
ABLATIONS = "ablations.parquet"
_AGAIN = "Restore it from a copy, or trace the circuit again"


def save(circuit: AttributionGraph, path: str | os.PathLike[str]) -> None:
    """Write a circuit into a folder; the JSON comes last and makes it valid.

    Of the weights those that are not zero are written: rows, columns and values.
    """
    folder = Folder(folder_url(path, "path"))
    rows, columns = circuit.weights.nonzero(as_tuple=True)
    sha256 = folder.write_tensors(
        WEIGHTS,
        {
            "rows": rows.int(),
            "columns": columns.int(),
            "values": circuit.weights[rows, columns].contiguous(),
        },
        SCHEMA_VERSION,
    )
    folder.write_bytes(NODES, table_bytes(circuit.nodes, SCHEMA_VERSION))
    if circuit.ablations is not None:
        folder.write_bytes(ABLATIONS, table_bytes(circuit.ablations, SCHEMA_VERSION))
    else:
        folder.remove(ABLATIONS)
    record = {"sha256": sha256, "scores": asdict(circuit.scores), "about": dict(circuit.about)}
    folder.write_json(JSON_NAME, record, SCHEMA_VERSION)


def open_circuit(path: str | os.PathLike[str]) -> AttributionGraph:
    """Open a circuit that `AttributionGraph.save` wrote, from a folder or URL.

    Errors: StoreError where there is none, or it is from a newer sparsetime; DamagedError where a
    file is not the bytes that were written.
    """
    folder = Folder(folder_url(path, "path"))
    if not folder.exists(JSON_NAME):
        raise StoreError(
            f"{folder.url} holds no {JSON_NAME}, so it is no saved circuit; give the folder that "
            f"AttributionGraph.save wrote. It holds: {', '.join(folder.names()) or 'nothing'}"
        )
    record = folder.read_json(JSON_NAME, SCHEMA_VERSION, _AGAIN)
    nodes = folder.read_table(NODES, SCHEMA_VERSION, _AGAIN)
    ablations = None
    if folder.exists(ABLATIONS):
        ablations = folder.read_table(ABLATIONS, SCHEMA_VERSION, _AGAIN)
    try:
        tensors = folder.read_tensors(WEIGHTS, SCHEMA_VERSION, _AGAIN, record["sha256"])
        weights = torch.zeros(len(nodes), len(nodes))
        weights[tensors["rows"].long(), tensors["columns"].long()] = tensors["values"]
        return AttributionGraph(
            nodes, weights, Scores(**record["scores"]), record["about"], ablations
        )
    except (KeyError, TypeError, IndexError) as error:
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} does not describe a circuit ({error}). {_AGAIN}"
        ) from error
