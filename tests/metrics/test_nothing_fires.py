"""A dictionary of which nothing fires, and families that fail: the others' values stay."""

import dataclasses

import pytest
import torch
from small_recipes import small
from small_run import DIMENSIONS, write_store

import sparsetime as st
from sparsetime.metrics import evaluate as module


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    texts = ["the river carries the old town away and the voice of the engine " * 4] * 6
    return write_store(str(tmp_path_factory.mktemp("silent") / "activations"), texts)


def silent(name):
    """A dictionary whose latents are far below firing: encoder weights 0, biases far below."""
    sae = small(name)
    with torch.no_grad():
        for key, parameter in sae.encoder.named_parameters():
            parameter.fill_(-1e3) if "bias" in key else parameter.zero_()
        for parameter in sae.sparsifier.parameters():
            parameter.fill_(5.0)
    return sae


@pytest.mark.parametrize(
    "name", ["topk", "batch_topk", "jumprelu", "temporal_matryoshka", "mp_sae"]
)
def test_a_dictionary_of_which_nothing_fires_is_measured_and_indexed(name, store, tmp_path):
    assert DIMENSIONS == 16
    sae = silent(name)
    if name == "mp_sae":  # it reads with its atoms: atoms that no row is near to
        with torch.no_grad():
            sae.decoder.weight.zero_()
    report = st.evaluate(sae, store, progress=False)
    assert report["l0"].value == 0 and report["dead"].value == 1
    assert report["fvu"].value >= 0.9
    for family in ("dwell", "half_life", "smoothness", "roughness", "recurrence"):
        assert family in report.left_out
    assert not [reason for reason in report.left_out.values() if "failed with" in reason]
    index = st.index(sae, store, out=tmp_path / "index", progress=False)
    assert index.features.num_rows == sae.width
    assert set(index.column("count").to_pylist()) == {0}
    assert index.examples(0).num_rows == 0 and index.sequence(0).indices.numel() == 0
    assert st.open_index(tmp_path / "index").sequence(0).rows == index.length(0)


def test_one_failing_metric_loses_its_own_value_alone(store, monkeypatch):
    sae = small("topk")

    def breaks(data):
        raise ValueError("a zero-size array")

    broken = [
        dataclasses.replace(metric, compute=breaks) if metric.name == "dwell" else metric
        for metric in module.FAMILIES["persistence"]
    ]
    monkeypatch.setitem(module.FAMILIES, "persistence", tuple(broken))
    with pytest.warns(
        UserWarning, match="dwell is left out: it failed with ValueError: a zero-size"
    ):
        report = st.evaluate(sae, store, ["persistence", "l0"], progress=False)
    assert report.left_out["dwell"] == "it failed with ValueError: a zero-size array"
    assert {"l0", "flicker", "half_life"} <= report.keys()


@pytest.mark.parametrize("when", ["__init__", "update"])
def test_one_failing_gatherer_loses_its_own_metrics_alone(when, store, monkeypatch):
    from sparsetime.metrics.smoothness import SmoothnessSums

    def breaks(*_):
        raise RuntimeError("no")

    monkeypatch.setattr(SmoothnessSums, when, breaks)
    with pytest.warns(UserWarning, match="SmoothnessSums is left out: it failed with RuntimeError"):
        report = st.evaluate(small("topk"), store, progress=False)
    assert report.left_out["smoothness"] == "it failed with RuntimeError: no"
    assert {"l0", "fvu", "flicker", "dwell"} <= report.keys()
