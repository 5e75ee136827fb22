"""The view of attention: lists, lanes, maps at any zoom, moments and pairs; what is refused."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch
from attention.zoo import small, small_llama
from fastapi.testclient import TestClient
from small_run import add_untrained, prose, write_store

import sparsetime as st
from sparsetime.activations.store.provenance import shards_hash
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench

TIME = 24


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(0, 4)])
    add_untrained(folder, store, "a")
    model, tokens = small_llama()
    policies = [small("exact_top_k"), small("sliding_window")]
    keep = st.attention.keep_attention
    texts = [f"w{n}" for n in range(TIME)]
    where = (shards_hash(store), 0)
    out = folder / "attention"
    keep(model, tokens[:1], out / "first", policies, texts=texts, strongest=30, sequence=where)
    keep(model, tokens[:1], out / "second")
    keep(model, tokens[:1, :1], out / "one-step")
    for name, record in (("third", "{}"), ("fourth", '{"policies": [], "texts": [], "model": 3}')):
        (out / name).mkdir()
        (out / name / "attention.json").write_text(record)
    return folder


@pytest.fixture(scope="module")
def client(run):
    with TestClient(make_app(Workbench(run)), base_url="http://localhost") as client:
        yield client


def levels(text, *shape):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(shape).astype(float)


@pytest.mark.filterwarnings("ignore:.*checksum")
def test_kept_attention_is_listed_and_a_damaged_one_has_a_note(client):
    listed = {one["name"]: one for one in client.get("/api/attention").json()}
    assert listed["first"]["policies"] == ["exact_top_k", "sliding_window"]
    assert listed["first"]["steps"] == TIME
    assert listed["first"]["note"] == "" and listed["third"]["note"]
    assert "model" in listed["fourth"]["note"]


def test_heads_have_their_values_and_the_dictionaries_of_the_same_steps(client):
    first = client.get("/api/attention/first").json()
    assert first["dictionaries"] == ["a"] and first["sequence"] == 0
    assert first["texts"][3] == "w3"
    assert [one["mass_kept"] <= 1 for one in first["heads"][0]["policies"]] == [True, True]
    second = client.get("/api/attention/second").json()
    assert second["dictionaries"] == [] and second["sequence"] is None


def test_lanes_are_means_of_columns(client):
    whole = client.get("/api/attention/first/lanes?columns=24").json()
    heads = len(client.get("/api/attention/first").json()["heads"])
    fine = (levels(whole["levels"], heads, TIME) / 255) ** 2 * whole["most"]
    model, tokens = small_llama()
    (call, *_) = st.attention.recorded_calls(model, tokens[:1])
    from sparsetime.attention.mass import attention_mass

    mass = attention_mass(call, torch.arange(TIME))[0, 1]
    back = (mass * (torch.arange(TIME)[:, None] - torch.arange(TIME))).sum(1).numpy()
    assert np.allclose(fine[1], np.minimum(back, whole["most"]), atol=0.02 * whole["most"])
    coarse = client.get("/api/attention/first/lanes?columns=3&first=3&stop=21").json()
    assert coarse["stride"] == 6 and coarse["first"] == 3
    means = (levels(coarse["levels"], heads, 3) / 255) ** 2 * coarse["most"]
    assert np.allclose(means[1], back[3:21].reshape(3, 6).mean(1), atol=0.02 * coarse["most"])


def test_a_single_step_that_nothing_else_reads_has_lanes(client):
    answer = client.get("/api/attention/one-step/lanes?value=received").json()
    assert answer["most"] == 1 and not any(base64.b64decode(answer["levels"]))


def test_maps_add_up_at_every_zoom(client):
    """Mass that the window keeps and misses is dense attention's, in cells of one step and more."""
    model, tokens = small_llama()
    (call, *_) = st.attention.recorded_calls(model, tokens[:1])
    from sparsetime.attention.mass import attention_mass

    mass = attention_mass(call, torch.arange(TIME))[0, 2].numpy()
    back = np.arange(TIME)[:, None] - np.arange(TIME)
    address = "/api/attention/first/heads/2/map?policy=1"
    for cells, query, size in (
        (24, "", 1),
        (4, "&first_query=4&stop_query=20&first_key=0&stop_key=16", 4),
    ):
        answer = client.get(f"{address}&cells={cells}{query}").json()
        rows, columns = (len(answer[f"{n}_edges"]) - 1 for n in ("query", "key"))
        q0, k0 = answer["query_edges"][0], answer["key_edges"][0]
        for part, some in (("kept", back < 8), ("missed", back >= 8)):
            share = (levels(answer[part], rows, columns) / 255) ** 2 * answer["most"]
            own = (mass * some)[q0 : q0 + rows * size, k0 : k0 + columns * size]
            means = own.reshape(rows, size, columns, size).sum(3).mean(1)
            assert np.allclose(share, np.minimum(means, answer["most"]), atol=0.02 * answer["most"])
        assert answer["both"] == answer["second"] == answer["second_wasted"] == ""


def test_two_policies_share_the_mass(client):
    answer = client.get("/api/attention/first/heads/0/map?policy=0&second=1").json()
    head = st.attention.open_attention(client.app.state.workbench.folder.path("attention/first"))
    kept = head.head(0)
    both = levels(answer["both"], TIME, TIME) > 0
    expected = np.zeros((TIME, TIME), bool)
    q, place = np.nonzero(kept.read[0] & kept.read[1] & (kept.weights > 0))
    expected[q, kept.keys[q, place]] = True
    assert np.array_equal(both, expected)
    alone = client.get("/api/attention/first/heads/0/map").json()
    assert alone["kept"] == alone["wasted"] == ""


def test_a_moment_says_what_it_read_and_what_read_it(client):
    answer = client.get("/api/attention/first/heads/1/moment?step=9").json()
    weights = [one["weight"] for one in answer["reads"]]
    assert len(weights) == 10 and sum(weights) == pytest.approx(1, abs=2e-3)
    assert weights == sorted(weights, reverse=True)
    assert {one["step"] for one in answer["reads"]} == set(range(10))
    assert {one["step"] for one in answer["readers"]} == set(range(10, TIME))
    for one in answer["readers"]:
        other = client.get(f"/api/attention/first/heads/1/moment?step={one['step']}").json()
        assert next(o["weight"] for o in other["reads"] if o["step"] == 9) == one["weight"]
    assert all(one["read"][1] == (9 - one["step"] < 8) for one in answer["reads"])


def test_strongest_pairs_are_of_different_keys_and_in_context(client):
    pairs = client.get("/api/attention/first/heads/3/pairs").json()
    assert len({pair["key"] for pair in pairs}) == len(pairs) == 12
    weights = [pair["weight"] for pair in pairs]
    assert weights == sorted(weights, reverse=True)
    for pair in pairs:
        assert pair["query"] != pair["key"]
        assert pair["key_texts"][pair["key_at"]] == f"w{pair['key']}"
        assert pair["query_texts"][pair["query_at"]] == f"w{pair['query']}"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("firsts", 404, "did you mean 'first'"),
        ("first/heads/99/pairs", 404, "head of the kept attention"),
        ("first/heads/0/map?policy=2", 400, "got policy 2, expected one of 2"),
        ("first/heads/0/map?first_query=24", 400, "got the steps 24 to 24 of 24"),
    ],
)
def test_what_is_not_there_is_refused(client, path, status, said):
    answer = client.get(f"/api/attention/{path}")
    assert answer.status_code == status
    assert said in answer.json()["error"]
