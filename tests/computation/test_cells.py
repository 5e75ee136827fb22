"""Cost by step: what is computed and needed, left out though needed, and computed in vain."""

import numpy as np
import pytest
import torch
from computation.small_nets import net
from computation.test_measures import llama, tokens
from computation.test_time import walk

import sparsetime as st
from sparsetime.computation.count_cells import count_cells
from sparsetime.computation.keep_cells import _of_rows, keep_cells
from sparsetime.computation.model_data import model_batches
from sparsetime.computation.sparse import Sparse
from sparsetime.computation.step_cells import open_cells
from sparsetime.errors import ConfigError, DamagedError


def cells(sparse, x):
    batches = model_batches(sparse.loaded, x)
    return count_cells(sparse, batches, [f"document {n}" for n in range(len(x))])


def column(found, matrix, name):
    of = found.matrices.index(matrix)
    table = found.table.filter(found.table["matrix"].combine_chunks().indices.to_numpy() == of)
    return np.asarray(table[name].to_numpy())


def test_a_dense_model_needs_what_it_computes():
    model, x = llama(), tokens(sequences=3)
    found = cells(Sparse(st.models.load_model(model)), x)
    assert found.share("computed") == found.share("needed") == 1
    assert found.share("missed") == 0


def test_thresholds_of_magnitude_are_judged_by_what_is_written():
    model, x = net(), torch.randn(40, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model[0].weight[:, 0] *= 50  # the first input writes far more than its size shows
    sparse = st.sparsify(model, "teal", sparsity=0.5, data=x, sites="0")
    found = cells(sparse, x)
    was = (x * 1.0).abs() > sparse.plans[0].learnt["0"]["threshold"]
    importance = x.abs() * model[0].weight.detach().norm(dim=0)
    wanted = importance >= importance.flatten().sort().values[-int(was.sum())]
    entries = 32
    assert column(found, "0", "computed").tolist() == (was.sum(1) * entries).tolist()
    assert column(found, "0", "needed").tolist() == ((was & wanted).sum(1) * entries).tolist()
    missed = column(found, "0", "missed")
    assert missed.tolist() == ((wanted & ~was).sum(1) * entries).tolist()
    vain = column(found, "0", "computed") - column(found, "0", "needed")
    assert vain.sum() == missed.sum() > 0


def test_an_oracle_computes_nothing_in_vain_and_a_clock_does():
    x, shares = walk(), {}
    for name in ("delta", "clock"):
        plan = st.computation.TimePlan(name)
        sparse = st.sparsify(net(), plan, sparsity=0.6, data=x, sites="0")
        found = cells(sparse, x)
        shares[name] = column(found, "0", "missed").sum() / column(found, "0", "computed").sum()
    assert 0 < shares["delta"] < shares["clock"] < 1


def test_maps_before_predicted_neurons_follow_them():
    model, x = llama(), tokens(sequences=4)
    sparse = st.sparsify(model, "deja_vu", sparsity=0.5, data=x, steps=20)
    found = cells(sparse, x)
    up, down = (f"model.layers.0.mlp.{name}_proj" for name in ("up", "down"))
    for matrix in (up, down):
        missed = column(found, matrix, "missed").sum() / column(found, matrix, "computed").sum()
        assert 0.02 < missed < 0.9
    assert column(found, "model.layers.0.self_attn.q_proj", "missed").sum() == 0


def test_cells_open_as_they_were_and_other_bytes_are_refused(tmp_path):
    model, x = llama(), tokens(sequences=3)
    found = cells(st.sparsify(model, "magnitude", sparsity=0.5), x)
    found.save(tmp_path)
    again = open_cells(tmp_path)
    assert again.table.equals(found.table) and again.sequences == found.sequences
    assert again.plans == ("weights: magnitude, free, uniform, at_once, masked at 50%",)
    path = tmp_path / "cells.parquet"
    path.write_bytes(path.read_bytes()[:-3] + b"abc")
    with pytest.raises(DamagedError, match="again with sparsetime cost --keep"):
        open_cells(tmp_path)


def test_documents_of_a_run_are_counted_and_kept(tmp_path):
    model, x = net(), walk(sequences=3)
    st.capture(model, x, "0", tmp_path / "activations", keep_input=True, progress=False)
    sparse = st.sparsify(model, "delta_network", sparsity=0.5, data=x)
    found = keep_cells(sparse, tmp_path, "delta", sequences=2)
    direct = cells(sparse, x[:2])
    for name in ("computed", "needed", "missed"):
        assert column(found, "2", name).tolist() == column(direct, "2", name).tolist()
    again = open_cells(tmp_path / "costs" / "delta")
    assert again.table.equals(found.table) and len(again.sequences) == 2
    with pytest.raises(ConfigError, match=r"got the name '\.\./x', expected letters"):
        keep_cells(sparse, tmp_path, "../x")


def test_special_tokens_have_no_row():
    table = cells(Sparse(st.models.load_model(llama())), tokens(sequences=2)).table
    length = int(table["position"].to_numpy().max()) + 1
    rows = np.array([-1, *range(length - 2), -1])
    kept = _of_rows(table, [rows, rows])
    assert kept.num_rows == table.num_rows * (length - 2) // length
    assert sorted(set(kept["position"].to_pylist())) == list(range(length - 2))
