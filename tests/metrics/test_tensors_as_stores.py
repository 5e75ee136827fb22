"""Evaluation and the index take tensors as training does."""

import gc

import fsspec
import numpy as np
import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.errors import ConfigError, DataError

X = planted(1200, sequences=12)


@pytest.fixture(scope="module")
def sae(tmp_path_factory):
    out = tmp_path_factory.mktemp("t")
    settings = {"rows": 6400, "batch": 64, "show": False}
    return st.train(
        st.dictionary("topk", d_in=16, width=32, k=4), X, out=out, **settings
    ).dictionary


def in_files(sae, folder):
    from sparsetime.activations.capture.capture import capture

    class Same(torch.nn.Module):
        def forward(self, x):
            return x

    return capture(Same(), X, ".", folder, progress=False)


@pytest.mark.parametrize("given", [X, X.numpy(), X.double(), torch.nn.Parameter(X)])
def test_a_tensor_with_time_is_evaluated_as_a_store_of_it(given, sae, tmp_path):
    store = in_files(sae, tmp_path / "s")
    expected = st.evaluate(sae, store, progress=False)
    report = st.evaluate(sae, given, progress=False)
    assert set(report) == set(expected)
    for name in report:
        assert report[name].value == expected[name].value, name


def test_rows_without_time_have_no_metrics_of_time(sae):
    rows = X.reshape(-1, 16)
    report = st.evaluate(sae, rows, progress=False)
    assert report["fvu"].value == pytest.approx(st.evaluate(sae, X, ["fvu"])["fvu"].value, rel=1e-5)
    assert report["fvu"].details["interval"] is not None
    assert "l0" in report and "dwell" not in report
    assert report.left_out["dwell"].startswith("rows of shape [rows, d] have no order of time")
    with pytest.raises(DataError, match=r"no order of time; give \[sequences, time, d\]"):
        st.index(sae, rows, out="nowhere")


def test_a_tensor_is_indexed(sae, tmp_path):
    index = st.index(sae, X, out=tmp_path / "i", progress=False)
    expected = st.index(sae, in_files(sae, tmp_path / "s"), out=tmp_path / "j", progress=False)
    assert np.allclose(
        index.features["density"].to_numpy(), expected.features["density"].to_numpy()
    )


def test_what_is_no_activation_is_refused(sae, tmp_path):
    for door in (st.evaluate, lambda sae, x: st.index(sae, x, out=tmp_path / "i")):
        with pytest.raises(
            ConfigError, match=r"str was given. Open a stored one with sparsetime.op"
        ):
            door(sae, "runs/x")
        with pytest.raises(ConfigError, match="takes a store, or activations as a tensor"):
            door(sae, {"x": X})
        with pytest.raises(DataError, match="holds NaN at sequence 0, position 0"):
            door(sae, X * float("nan"))
    with pytest.raises(DataError, match="neither their model nor their tokens are known"):
        st.evaluate(sae, X, model=torch.nn.Linear(2, 2), progress=False)
    assert not (tmp_path / "i").exists()


def test_the_memory_is_freed(sae):
    files = fsspec.filesystem("memory")
    st.evaluate(sae, X, ["fvu"], progress=False)
    gc.collect()
    assert not [name for name in files.ls("/", detail=False) if "sparsetime-" in name]


@pytest.mark.parametrize("settings", [torch.inference_mode, lambda: torch.autocast("cpu")])
def test_a_callers_settings_change_no_value(settings, sae, tmp_path):
    store = in_files(sae, tmp_path / "s")
    expected = st.evaluate(sae, store, progress=False)
    dense = st.index(sae, store, out=tmp_path / "i", progress=False).features["density"].to_numpy()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with settings():
            report = st.evaluate(sae, store, progress=False)
            index = st.index(sae, store, out=tmp_path / "j", progress=False)
            again = in_files(sae, tmp_path / "again")
    finally:
        torch.set_default_dtype(torch.float32)
    assert {name: report[name].value for name in report} == {
        name: expected[name].value for name in expected
    }
    assert np.array_equal(index.features["density"].to_numpy(), dense)
    assert torch.equal(again.sequence(3).values, store.sequence(3).values)
