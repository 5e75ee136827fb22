"""Sparse.compile: executions equal the masked matrix, and the fastest exact one is chosen."""

import pytest
import torch
from computation.small_nets import data, net

import sparsetime as st
from sparsetime.computation.executions.execution import Execution  # declares the role
from sparsetime.errors import ConfigError
from sparsetime.registry import components_of

KINDS = list(components_of("execution"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [True, False])
def test_an_execution_computes_the_masked_matrix(kind, bias):
    generator = torch.Generator().manual_seed(0)
    weight, x = torch.randn(24, 16, generator=generator), torch.randn(2, 3, 16, generator=generator)
    mask = st.computation.WeightPlan(structure="fan_in").structure.mask(weight.abs(), 0.5)
    offset = torch.arange(24.0) if bias else None
    execution = Execution.from_description(kind)
    assert execution.objection(mask) is None
    expected = torch.nn.functional.linear(x, weight * mask, offset)
    with torch.no_grad():
        found = execution.module(weight, mask, offset)(x)
    tolerance = 1e-4 if execution.is_exact else 0.03
    assert float((found - expected).abs().max()) <= tolerance * float(expected.abs().max())


def test_the_fastest_exact_execution_is_put_into_a_copy():
    model, x = net(), data()[0]
    sparse = st.sparsify(model, "magnitude", sparsity=0.75, structure="fan_in")
    fast = sparse.compile(batch=2)
    assert torch.allclose(fast.model(x), model(x), atol=1e-4)
    assert [one.name for one in fast.maps] == ["0.weight", "2.weight", "4.weight"]
    for one in fast.maps:
        assert set(one.seconds) == {"dense", "bfloat16", "int8", "condensed", "csr"}
        exact = {name: one.seconds[name] for name in ("dense", "condensed", "csr")}
        assert one.chosen == min(exact, key=exact.get)
        assert one.speed_up("csr") >= 1
    assert "at batch 2" in str(fast)
    assert isinstance(model[0], torch.nn.Linear) and sparse.report().holds


def test_a_model_that_is_one_map_is_replaced():
    model, x = torch.nn.Linear(16, 8), data()[0]
    fast = st.sparsify(model, "magnitude", sparsity=0.75, structure="fan_in").compile()
    assert fast.maps[0].name == "weight"
    assert fast.model is not model and not fast.model.state_dict().keys() - {"weight", "bias"}
    assert not any(p.requires_grad for p in fast.model.parameters())
    assert torch.allclose(fast.model(x), model(x), atol=1e-4)


def test_what_cannot_be_compiled_is_said():
    model = net()
    free = st.sparsify(model, "magnitude", sparsity=0.5)
    (first, *_) = free.compile().maps
    assert "structure='fan_in'" in first.left_out["condensed"]
    with pytest.raises(ConfigError, match="got batch=0"):
        free.compile(batch=0)
    free.then("teal", sparsity=0.5, data=data()[0])
    with pytest.raises(ConfigError, match="got a plan of activations"):
        free.compile()
    with pytest.raises(ConfigError, match=r"got 0\.weight in bfloat16, expected float32"):
        st.sparsify(net().bfloat16(), "magnitude", sparsity=0.5).compile()
    conv = torch.nn.Sequential(torch.nn.Conv1d(4, 4, 3))
    with pytest.raises(ConfigError, match="no thinned Linear module to compile"):
        st.sparsify(conv, "magnitude", sparsity=0.5).compile()
