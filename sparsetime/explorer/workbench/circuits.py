"""Saved circuits of a run: the largest nodes and edges of each, for one page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from sparsetime.circuits.attribution_graph import AttributionGraph
from sparsetime.circuits.lags import influence_by_lag
from sparsetime.circuits.nodes import TARGET, TOKEN
from sparsetime.circuits.saved import JSON_NAME, open_circuit
from sparsetime.errors import SparsetimeError, unknown_name
from sparsetime.explorer.records import FrozenRecord, Text
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.files import Folder

CIRCUITS = "circuits"
MOST_NODES, MOST_EDGES = 300, 3000


class CircuitEntry(FrozenRecord):
    """A saved circuit: its folder's name, the text that was traced, and what was explained."""

    name: Text
    text: Text
    targets: list[Text]
    note: Text = ""  # why it cannot be shown; empty where it can


class CircuitNode(FrozenRecord):
    """A node. row: of its site, from the tokens up; step: -1 for the bias.

    dictionary: the key of the run's dictionary whose feature it is; empty where there is none.
    predicted, measured: change of each target when the feature is ablated; empty where it was not.
    """

    id: int
    kind: Text
    row: int
    step: int
    latent: int
    value: float
    label: Text
    influence: float
    dictionary: Text
    predicted: list[float]
    measured: list[float]


class CircuitEdge(FrozenRecord):
    """An edge between two nodes by their ids; influence is its share of all influence."""

    source: int
    target: int
    weight: float
    influence: float


class CircuitView(FrozenRecord):
    """One circuit. rows: sites from the tokens up; lags: share of influence by lag in steps."""

    entry: CircuitEntry
    tokens: list[Text]
    rows: list[Text]
    nodes: list[CircuitNode]
    edges: list[CircuitEdge]
    of_nodes: int
    of_edges: int
    scores: dict[str, float]
    rank_correlation: float | None
    sign_agreement: float | None
    lags: list[float]


def circuits(folder: Folder) -> list[CircuitEntry]:
    """The circuits of a run: folders in its `circuits/`; one that is damaged has a note."""
    home = folder / CIRCUITS
    return [_listed(home, name) for name in _names(home)]


def _names(home: Folder) -> list[str]:
    return [name for name in home.names() if home.exists(f"{name}/{JSON_NAME}")]


def _listed(home: Folder, name: str) -> CircuitEntry:
    try:
        about = (home / name).read_json(JSON_NAME)["about"]
        return _entry(name, about)
    except (SparsetimeError, KeyError, TypeError) as error:
        return CircuitEntry(name=name, text="", targets=[], note=str(error))


def _entry(name: str, about: Mapping[str, Any]) -> CircuitEntry:
    targets = [one["name"] for one in about["targets"]]
    return CircuitEntry(name=name, text="".join(about["texts"]), targets=targets)


def circuit_view(folder: Folder, opened: RunCache, name: str) -> CircuitView:
    """The nodes with most influence of one circuit, all its tokens and targets, and their edges.

    Errors: UnknownNameError for a circuit that the run does not have; those of `open_circuit`.
    """
    graph = open_circuit(circuit_folder(folder, name).url)
    places = _largest(graph)
    edges = graph.edges
    between = np.isin(edges["source"], places) & np.isin(edges["target"], places)
    shown = edges.filter(pa.array(between)).sort_by([("influence", "descending")])
    total = float(shown["influence"].to_numpy().sum(dtype=float)) or 1.0
    rows = _rows(graph, places)
    checked = graph.about.get("verification", {})
    return CircuitView(
        entry=_entry(name, graph.about),
        tokens=graph.about["texts"],
        rows=rows,
        nodes=_nodes(graph, opened, places, rows),
        edges=[
            CircuitEdge(
                source=edge["source"],
                target=edge["target"],
                weight=edge["weight"],
                influence=edge["influence"] / total,
            )
            for edge in shown.slice(0, MOST_EDGES).to_pylist()
        ],
        of_nodes=len(graph.nodes),
        of_edges=len(edges),
        scores={key: float(value) for key, value in vars(graph.scores).items()},
        rank_correlation=_finite(checked.get("rank_correlation")),
        sign_agreement=_finite(checked.get("sign_agreement")),
        lags=_by_lag(graph, edges),
    )


def circuit_folder(folder: Folder, name: str) -> Folder:
    """The folder of a circuit. Errors: UnknownNameError for one that the run does not have."""
    known = _names(folder / CIRCUITS)
    if name not in known:
        raise unknown_name("circuit of the run", name, known)
    return folder / CIRCUITS / name


def _largest(graph: AttributionGraph) -> list[int]:
    always = graph.of_kind(TOKEN) | graph.of_kind(TARGET)
    order = graph.influence.clone()
    order[always] = float("inf")
    found = order.topk(min(len(order), MOST_NODES + int(always.sum()))).indices
    reached = found[(graph.influence[found] > 0) | always[found]]
    return sorted(reached.tolist())


def _rows(graph: AttributionGraph, places: list[int]) -> list[str]:
    """Sites of the nodes shown in the order of the pass, from the tokens up, without targets'."""
    table = graph.nodes.to_pylist()
    shown = [table[place] for place in places if table[place]["kind"] != TARGET]
    sites = {row["site"] for row in shown}
    tokens = {row["site"] for row in shown if row["kind"] == TOKEN}
    writes = graph.about["writes"]
    first = [site for site in writes if site in tokens]
    return first + [site for site in writes if site in sites and site not in tokens]


def _nodes(
    graph: AttributionGraph, opened: RunCache, places: list[int], rows: list[str]
) -> list[CircuitNode]:
    by_site = _dictionaries(opened)
    texts = graph.about["texts"]
    changes: dict[int, tuple[list[float], list[float]]] = {}
    if graph.ablations is not None:
        for row in graph.ablations.to_pylist():
            if len(row["nodes"]) == 1:
                predicted, measured = changes.setdefault(row["nodes"][0], ([], []))
                predicted.append(row["predicted"])
                measured.append(row["measured"])
    numbers = {site: number for number, site in enumerate(rows)}
    table = graph.nodes.to_pylist()
    found = []
    for place in places:
        row = table[place]
        predicted, measured = changes.get(place, ([], []))
        site = f"{row['reads']} -> {row['site']}"
        found.append(
            CircuitNode(
                id=place,
                kind=row["kind"],
                row=len(rows) if row["kind"] == TARGET else numbers.get(row["site"], 0),
                step=row["step"],
                latent=row["latent"],
                value=row["value"],
                label=row["label"] or (texts[row["step"]] if row["step"] >= 0 else ""),
                influence=float(graph.influence[place]),
                dictionary=by_site.get(row["site"], by_site.get(site, "")),
                predicted=predicted,
                measured=measured,
            )
        )
    return found


def _dictionaries(opened: RunCache) -> dict[str, str]:
    """Keys of the run's dictionaries by their sites, of those that have a site alone."""
    keys: dict[str, list[str]] = {}
    for key in opened.shown:
        site = opened.dictionary(key).index.record.get("site", "")
        keys.setdefault(site, []).append(key)
    return {site: found[0] for site, found in keys.items() if len(found) == 1}


def _by_lag(graph: AttributionGraph, edges: pa.Table) -> list[float]:
    shares = [0.0] * len(graph.about["texts"])
    for row in influence_by_lag(graph.nodes, edges).to_pylist():
        shares[row["lag"]] += row["share"]
    return shares


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
