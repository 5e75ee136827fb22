"""Plans of activations: what is kept, undone and saved, and what is refused."""

import pytest
import torch
from computation.small_nets import data, net
from computation.test_measures import llama, tokens

import sparsetime as st
from sparsetime.errors import ConfigError

NAMES = ("teal", "cats", "output_magnitude", "lazy_neurons", "deja_vu")
SMALL = {"deja_vu": {"rank": 4, "steps": 10}}


def sparsified(name, model, **settings):
    given = {"sparsity": 0.5, "data": tokens(), **SMALL.get(name, {}), **settings}
    return st.sparsify(model, name, **given)


@pytest.mark.parametrize("name", NAMES)
def test_half_is_left_out_undone_and_saved(name, tmp_path):
    model, x = llama(), tokens()
    before = model(x).logits.detach()
    sparse = sparsified(name, model)
    rows = sparse.report().matrices
    assert all(row.sparsity == pytest.approx(0.5, abs=0.02) for row in rows)
    assert sparse.report().holds and {row.plan for row in rows} == {"activations"}
    after = model(x).logits.detach()
    assert not torch.allclose(before, after)
    sparse.save(tmp_path)
    other = llama(seed=1)
    opened = st.open_sparse(other, tmp_path)
    assert torch.equal(other(x).logits, after)
    assert opened.report() == sparse.report()
    with sparse.suspended():
        assert torch.equal(model(x).logits, before)
    assert torch.equal(model(x).logits, after)
    sparse.dense()
    assert torch.equal(model(x).logits, before)


def test_inputs_below_the_threshold_are_left_out():
    model, x = net(), data()[0]
    seen = []
    sparse = st.sparsify(model, "teal", sparsity=0.25, data=x, sites="0")
    model[0].register_forward_hook(lambda module, args, output: seen.append(args[0]))
    model(x)
    threshold = x.abs().flatten().sort().values[int(0.25 * (x.numel() - 1))]
    assert torch.equal(seen[0], x * (x.abs() > threshold))
    assert sparse.report().matrices[0].sparsity == pytest.approx(0.25, abs=0.01)


def test_the_gate_decides_which_neurons_are_kept():
    model, x = llama(), tokens()
    mlp, seen = model.model.layers[0].mlp, {}
    sparsified("cats", model)
    mlp.gate_proj.register_forward_hook(lambda m, args, out: seen.update(gate=out))
    mlp.down_proj.register_forward_hook(lambda m, args, out: seen.update(hidden=args[0]))
    model(x)
    gate = torch.nn.functional.silu(seen["gate"].detach()).abs()
    kept = seen["hidden"] != 0
    assert float(gate[kept].min()) > float(gate[~kept].max())


def test_sites_are_modules_and_not_beginnings_of_names():
    model = llama(layers=11)
    sparse = sparsified("cats", model, sites="model.layers.1")
    assert [p.path for p in sparse.plans[0].points] == ["model.layers.1.mlp.down_proj"]


def test_weights_and_activations_are_left_out_together():
    model = llama()
    sparse = st.sparsify(model, "magnitude", sparsity=0.5)
    sparse.then("teal", sparsity=0.5, data=tokens())
    assert st.cost(sparse, tokens()).share == pytest.approx(0.25, abs=0.1)
    assert sparse.report().sparsity == pytest.approx(0.5)


def test_plans_of_activations_stack_and_are_saved(tmp_path):
    model, x = llama(), tokens()
    before = model(x).logits.detach()
    sparse = sparsified("teal", model, sparsity=0.25)
    sparse.then("cats", sparsity=0.5, data=x).then("lazy_neurons", sparsity=0.75, data=x)
    after = model(x).logits.detach()
    sparse.save(tmp_path)
    other = llama(seed=1)
    opened = st.open_sparse(other, tmp_path)
    assert torch.equal(other(x).logits, after) and opened.report() == sparse.report()
    sparse.dense()
    assert torch.equal(model(x).logits, before)


def test_a_saved_plan_of_any_module_is_opened_with_a_sample(tmp_path):
    model, x = net(), data()[0]
    st.sparsify(model, "lazy_neurons", sparsity=0.5, data=x).save(tmp_path)
    other = net(seed=1)
    with pytest.raises(ConfigError, match="needs an input to run on; give one as sample="):
        st.open_sparse(other, tmp_path)
    other = net(seed=1)
    st.open_sparse(other, tmp_path, sample=x[:4])
    assert torch.equal(other(x), model(x))


def test_plans_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="where nothing comes before that could be read"):
        st.computation.ActivationPlan("gate", "predictor")
    with pytest.raises(ConfigError, match="MLPs without a gate"):
        st.sparsify(net(), "cats", sparsity=0.5, data=data()[0])
    with pytest.raises(ConfigError, match="without an MLP, expected modules around"):
        sparsified("cats", llama(), sites="model.layers.0.self_attn")
