"""Matches in the explorer: two dictionaries, a flow over several, export."""

from __future__ import annotations

import json

import pytest
import torch
from fastapi.testclient import TestClient
from known_codes import make_store

import sparsetime as st
from sparsetime import seeds
from sparsetime.codes import SparseCode
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.features import CodeSource

WIDTH = 6
ORDER = [1, 0, 2, 3, 5, 4]


class Turned(CodeSource):
    """The coordinates of a store in some order, with their directions."""

    kind, width = "coordinates", WIDTH

    def __init__(self, name, order):
        self.name = self.fingerprint = name
        self.order = order

    def code(self, sequence):
        return SparseCode.from_dense(torch.relu(sequence.values[:, self.order]))

    def directions(self):
        return torch.eye(WIDTH)[self.order]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rng = seeds.numpy_generator(0, "planted codes")
    rows = [(rng.random((60, WIDTH)) < 0.4) * rng.random((60, WIDTH)) for _ in range(3)]
    store = make_store(folder / "activations", rows)
    for name, order in (("a", list(range(WIDTH))), ("b", ORDER)):
        st.index(Turned(name, order), store, folder / name / "features", progress=False)
    return folder


@pytest.fixture(scope="module")
def client(run):
    with TestClient(make_app(Workbench(run)), base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("by", ["atoms", "codes"])
def test_two_dictionaries_are_matched(client, by):
    answer = client.get("/api/matches", params={"left": "a", "right": "b", "by": by}).json()
    pairs = {one["left"]["feature"]: one["right"]["feature"] for one in answer["matches"]}
    assert pairs == dict(enumerate(ORDER))
    assert answer["features"] == answer["mutual"] == WIDTH
    assert all(one["similarity"] > 0.99 for one in answer["matches"])
    assert ("time" in answer["null_is"]) == (by == "codes")


def test_features_are_followed(client):
    answer = client.get("/api/flow", params={"keys": ["a", "b", "a"]}).json()
    assert [stage["features"] for stage in answer["stages"]] == [WIDTH] * 3
    for chain in answer["chains"]:
        numbers = [line["feature"] for line in chain["features"]]
        assert numbers == [numbers[0], ORDER[numbers[0]], numbers[0]]
    one = client.get("/api/flow", params={"keys": ["a"]})
    assert one.status_code == 422 and "at least two to follow" in one.json()["detail"]


def test_an_export_has_every_pair_and_the_flow(run, tmp_path):
    st.export(run, tmp_path / "site", progress=False)
    data = tmp_path / "site" / "data"
    assert json.loads((data / "matches-0-1.json").read_text())["mutual"] == WIDTH
    assert len(json.loads((data / "flow.json").read_text())["stages"]) == 2
