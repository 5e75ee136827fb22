"""Plans as methods of st.sweep, beside policies of attention."""

import math

import pytest
import torch
from computation.test_measures import llama, tokens

import sparsetime as st
from sparsetime.computation.dense_int8 import dense_int8
from sparsetime.computation.fewer_neurons import fewer_neurons
from sparsetime.computation.weight_matrices import weight_matrices
from sparsetime.errors import ConfigError


def test_plans_are_swept_and_the_model_is_as_before():
    model, x = llama(), tokens(sequences=5)
    before = model(x).logits.detach()
    swept = st.sweep(model, ["magnitude", "teal"], [0.25, 0.75], data=x)
    twins = {"dense in 8 bits", "dense with fewer neurons"}
    assert {point.method for point in swept.points} == {"magnitude", "teal", *twins}
    for point in swept.points:
        if point.method in twins:
            continue
        assert point.sparsity == pytest.approx(point.asked, abs=0.02)
        assert math.isnan(point.pairs)
    assert torch.equal(model(x).logits, before)


def test_methods_that_train_are_refused():
    with pytest.raises(ConfigError, match="'rigl', which changes weights during training"):
        st.sweep(llama(), ["rigl"], [0.5], data=tokens(sequences=5))
    with pytest.raises(ConfigError, match="'ternary', which takes no sparsity"):
        st.sweep(llama(), ["ternary"], [0.5], data=tokens(sequences=5))


def test_twins_are_dense_models_of_their_own():
    model, x = llama(), tokens(sequences=5)
    loaded = st.models.load_model(model)
    before = model(x).logits.detach()
    eighth = dense_int8(loaded)
    found = (eighth(x).logits.detach() - before).norm() / before.norm()
    assert 0 < float(found) < 0.05
    smaller = fewer_neurons(loaded, 0.25)
    sizes = [sum(m.parameter.numel() for m in weight_matrices(one)) for one in (smaller, model)]
    assert sizes[0] / sizes[1] == pytest.approx(0.75, abs=0.02)
    assert smaller(x).logits.shape == before.shape
    assert torch.equal(model(x).logits, before)

    swept = st.sweep(model, ["magnitude"], [0.25, 0.95], data=x)
    twin = [p for p in swept.points if p.method == "dense with fewer neurons"]
    assert [p.sparsity == pytest.approx(0.25, abs=0.02) for p in twin[:1]] == [True]
    assert "so that fewer neurons alone cannot leave out as many" in twin[1].why
    assert len([p for p in swept.points if p.method == "dense in 8 bits"]) == 2  # a task each
    assert len(st.sweep(model, ["magnitude"], [0.25], data=x, twins=False).points) == 2


def test_neurons_of_no_strength_are_removed_without_loss():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))
    with torch.no_grad():
        model[2].weight[:, :8] = 0
    x = torch.randn(5, 8)
    smaller = fewer_neurons(st.models.load_model(model), 0.5, x)
    assert smaller[0].out_features == smaller[2].in_features == 8
    assert torch.allclose(smaller(x), model(x), atol=1e-6)
