"""Circuits on disk: JSON, a Parquet table of nodes, safetensors files of weights and vectors."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparsetime.circuits.attribution_graph import AttributionGraph
from sparsetime.circuits.scores import Scores
from sparsetime.circuits.targets import TargetVector
from sparsetime.circuits.traced import Traced, WrittenVectors
from sparsetime.errors import DamagedError, MismatchError, StoreError
from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url
from sparsetime.files.formats import table_bytes
from sparsetime.models.causal_model import load_causal_model
from sparsetime.models.load import LoadedModel
from sparsetime.models.model_hash import is_model

SCHEMA_VERSION = 1
JSON_NAME, NODES, WEIGHTS = "circuit.json", "nodes.parquet", "weights.safetensors"
ABLATIONS = "ablations.parquet"
VECTORS = "vectors.safetensors"
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
    record: dict[str, Any] = {
        "sha256": sha256,
        "scores": asdict(circuit.scores),
        "about": dict(circuit.about),
    }
    if circuit.traced is not None:
        record["vectors"] = _write_vectors(folder, circuit.traced)
    else:
        folder.remove(VECTORS)
    folder.write_json(JSON_NAME, record, SCHEMA_VERSION)


def _write_vectors(folder: Folder, traced: Traced) -> dict[str, Any]:
    """Write what features write and targets read; returns its record."""
    tensors = {"steps": torch.tensor(traced.steps, dtype=torch.int32)}
    for number, written in enumerate(traced.written.values()):
        tensors[f"nodes.{number}"] = written.nodes.int()
        tensors[f"vectors.{number}"] = written.vectors.contiguous()
    for number, target in enumerate(traced.targets):
        # Of most targets one step is read, of all steps of the input.
        steps = target.vector.any(1).nonzero()[:, 0]
        tensors[f"target_steps.{number}"] = steps.int()
        tensors[f"targets.{number}"] = target.vector[steps].contiguous()
    return {
        "sha256": folder.write_tensors(VECTORS, tensors, SCHEMA_VERSION),
        "sites": list(traced.written),
        "targets": [{"site": one.site, "offset": one.offset} for one in traced.targets],
    }


def open_circuit(
    path: str | os.PathLike[str],
    model: str | Path | nn.Module | LoadedModel | None = None,
) -> AttributionGraph:
    """Open a circuit that `AttributionGraph.save` wrote, from a folder or URL.

    model: the one that it was traced in, so that features can be ablated: `verify` needs it.

    Errors: StoreError where there is none, or it is from a newer sparsetime, or, with a model,
    where it was saved without vectors; DamagedError where a file is not the bytes that were
    written; MismatchError for another model.
    """
    folder = Folder(folder_url(path, "path"))
    if not folder.exists(JSON_NAME):
        raise StoreError(
            f"{folder.url} holds no {JSON_NAME}, so it is no saved circuit; give the folder that "
            f"AttributionGraph.save wrote. It holds: {', '.join(folder.names()) or 'nothing'}"
        )
    record = folder.read_json(JSON_NAME, SCHEMA_VERSION, _AGAIN)
    if model is not None and "vectors" not in record:
        raise StoreError(
            f"{folder.url} was saved without {VECTORS}, so its features cannot be ablated; "
            "trace the circuit again and save it"
        )
    loaded = None if model is None else load_causal_model(model)
    nodes = folder.read_table(NODES, SCHEMA_VERSION, _AGAIN)
    ablations = None
    if folder.exists(ABLATIONS):
        ablations = folder.read_table(ABLATIONS, SCHEMA_VERSION, _AGAIN)
    try:
        tensors = folder.read_tensors(WEIGHTS, SCHEMA_VERSION, _AGAIN, record["sha256"])
        weights = torch.zeros(len(nodes), len(nodes))
        weights[tensors["rows"].long(), tensors["columns"].long()] = tensors["values"]
        circuit = AttributionGraph(
            nodes, weights, Scores(**record["scores"]), record["about"], ablations
        )
        if loaded is None:
            return circuit
        return replace(circuit, traced=_traced(folder, record, loaded))
    except (KeyError, TypeError, IndexError) as error:
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} does not describe a circuit ({error}). {_AGAIN}"
        ) from error


def _traced(folder: Folder, record: dict[str, Any], loaded: LoadedModel) -> Traced:
    about, vectors = record["about"], record["vectors"]
    if not is_model(loaded.model, loaded.revision_or_hash, about["model_hash"]):
        raise MismatchError(
            f"got the model {loaded.name!r} with other weights than the one that the circuit in "
            f"{folder.url} was traced in ({about['model']!r}); give that one"
        )
    tensors = folder.read_tensors(VECTORS, SCHEMA_VERSION, _AGAIN, vectors["sha256"])
    time = len(about["tokens"])
    targets = []
    for number, (named, own) in enumerate(zip(about["targets"], vectors["targets"], strict=True)):
        rows = tensors[f"targets.{number}"]
        vector = torch.zeros(time, rows.shape[1])
        vector[tensors[f"target_steps.{number}"].long()] = rows
        targets.append(
            TargetVector(
                named["name"], own["site"], named["step"], vector, own["offset"], named["weight"]
            )
        )
    written = {
        site: WrittenVectors(tensors[f"nodes.{number}"].long(), tensors[f"vectors.{number}"])
        for number, site in enumerate(vectors["sites"])
    }
    tokens = torch.tensor(about["tokens"])
    return Traced(loaded.model, tokens, targets, tensors["steps"].tolist(), written)
