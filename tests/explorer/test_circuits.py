"""Circuits in the explorer: listed, served with their ablations, exported; damaged ones noted."""

from __future__ import annotations

import json

import pytest
import torch
from fastapi.testclient import TestClient
from known_codes import make_store
from tiny_transcoders import TOKENS, exact_transcoders, opt_model

import sparsetime as st
from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features import CodeSource

WIDTH = 6


class Coordinates(CodeSource):
    """The coordinates of a store."""

    kind, width, name, fingerprint = "coordinates", WIDTH, "coordinates", "coordinates"

    def code(self, sequence):
        return SparseCode.from_dense(torch.relu(sequence.values))

    def directions(self):
        return torch.eye(WIDTH)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rng = seeds.numpy_generator(0, "planted codes")
    store = make_store(folder / "activations", [rng.random((60, WIDTH))])
    st.index(Coordinates(), store, folder / "a" / "features", progress=False)
    model = opt_model()
    graph = st.circuit(model, exact_transcoders(model), TOKENS, [5, 9])
    graph.with_verification(graph.verify(count=3)).save(folder / "circuits" / "first")
    graph.save(folder / "circuits" / "second")
    (folder / "circuits" / "third").mkdir()
    (folder / "circuits" / "third" / "circuit.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def client(run):
    with TestClient(make_app(Workbench(run)), base_url="http://localhost") as client:
        yield client


@pytest.mark.filterwarnings("ignore:.*checksum")
def test_circuits_are_listed_and_a_damaged_one_has_a_note(client):
    listed = {one["name"]: one for one in client.get("/api/circuits").json()}
    assert listed["first"]["targets"] == ["5", "9"]
    assert listed["first"]["text"] == "".join(map(str, TOKENS))
    assert listed["first"]["note"] == ""
    assert listed["third"]["note"]


def test_a_circuit_is_served_with_scores_edges_and_ablations(client):
    answer = client.get("/api/circuits/first").json()
    ids = {one["id"]: one for one in answer["nodes"]}
    assert answer["rows"][0] == "model.decoder.embed_tokens"
    kinds = [one["kind"] for one in answer["nodes"]]
    assert kinds.count("token") == len(TOKENS)
    assert kinds.count("target") == 2
    assert all(edge["source"] in ids and edge["target"] in ids for edge in answer["edges"])
    assert sum(edge["influence"] for edge in answer["edges"]) == pytest.approx(1, abs=0.05)
    assert answer["scores"]["error_share"] < 1e-4
    assert -1 <= answer["rank_correlation"] <= 1
    measured = [one for one in answer["nodes"] if one["measured"]]
    assert measured
    assert all(len(one["measured"]) == len(one["predicted"]) == 2 for one in measured)
    assert sum(answer["lags"]) == pytest.approx(1)
    rows = {one["row"] for one in answer["nodes"] if one["kind"] not in ("target", "bias")}
    assert rows == set(range(len(answer["rows"])))  # none without a node
    assert client.get("/api/circuits/second").json()["rank_correlation"] is None


def test_a_feature_is_ablated_in_the_model_when_it_is_asked_for(run, client):
    address = "/api/circuits/first/ablation"
    app = make_app(Workbench(run, opt_model()))
    with TestClient(app, base_url="http://localhost") as own:
        nodes = own.get("/api/circuits/first").json()["nodes"]
        (kept, *_) = [one for one in nodes if one["measured"]]
        answer = own.post(address, json={"nodes": [kept["id"]]}).json()
        for name in ("predicted", "measured"):
            assert answer[name] == pytest.approx(kept[name], abs=1e-5)
        token = next(one["id"] for one in nodes if one["kind"] == "token")
        for wrong, said in ((token, "to ablate, expected the number of a feature"), (-1, "-1")):
            refused = own.post(address, json={"nodes": [wrong]})
            assert refused.status_code == 400
            assert said in refused.json()["error"]
        assert own.post(address.replace("first", "none"), json={"nodes": [0]}).status_code == 404
    without = client.post(address, json={"nodes": [kept["id"]]})
    assert without.status_code == 400
    assert "the explorer needs the model" in without.json()["error"]


def test_a_circuit_that_is_not_there_is_refused(client):
    answer = client.get("/api/circuits/firsts")
    assert answer.status_code == 404
    assert "did you mean 'first'" in json.dumps(answer.json())


@pytest.mark.filterwarnings("ignore:.*checksum")
def test_circuits_are_exported(run, client, tmp_path):
    from sparsetime.explorer.views.circuit.view import VIEW

    files = VIEW.export(Workbench(run))
    assert set(files) == {"circuits.json", "circuits/first.json", "circuits/second.json"}
    served = client.get("/api/circuits/first").json()
    assert json.loads(files["circuits/first.json"].model_dump_json()) == served
