"""Plans of time: what is held, what is counted, chunks, training, files, and stacking."""

import pytest
import torch
from computation.small_nets import EVERY, net
from computation.test_measures import llama, tokens

import sparsetime as st
from sparsetime.computation.time_rules.delta import DeltaRule
from sparsetime.computation.time_rules.spikes import SpikesRule
from sparsetime.computation.time_rules.time_rule import TimeRule
from sparsetime.errors import ConfigError, DataError, MismatchError

OVER_TIME = {name: card for name, card in EVERY.items() if card.acts_on == "time"}


def walk(sequences=4, steps=24, d=16):
    """Sequences whose entries change a little from step to step."""
    steps_ = torch.randn(sequences, steps, d, generator=torch.Generator().manual_seed(2))
    return steps_.cumsum(1) * 0.3


def applied(name, model, x, sparsity=0.6):
    share = {"sparsity": sparsity} if EVERY[name].takes_sparsity else {}
    return st.sparsify(model, name, data=x, **share)


@pytest.mark.parametrize("kind", TimeRule.kinds)
def test_rules_leave_out_the_share_and_continue_in_chunks(kind):
    rule, x = TimeRule.from_description(kind), walk()
    learnt = rule.calibrated(x, 0.6)
    whole, _ = rule.passed(x, learnt, None)
    later = rule.needed(whole)[:, 1:].double().mean()
    assert float(later) == pytest.approx(0.4, abs=0.04)
    state, parts = None, []
    for chunk in x.split(5, dim=1):
        made, state = rule.passed(chunk, learnt, state)
        parts.append(made)
    assert torch.equal(torch.cat(parts, 1), whole)


def test_changes_are_held_until_they_are_large():
    x = torch.tensor([[[0.0, 1.0], [0.4, 1.0], [0.7, 0.0], [0.9, 0.4]]])
    values, state = DeltaRule(threshold=0.5).passed(x, {"threshold": torch.tensor(0.5)}, None)
    assert values[0].tolist() == torch.tensor([[0.0, 1], [0, 1], [0.7, 0], [0.7, 0]]).tolist()
    needed = DeltaRule().needed(values)[0]
    assert needed.tolist() == [[False, True], [False, False], [True, True], [False, False]]
    assert state["held"].tolist() == torch.tensor([[0.7, 0.0]]).tolist()


def test_spikes_add_up_to_the_input():
    x = torch.rand(2, 400, 3, generator=torch.Generator().manual_seed(0)) - 0.3
    values, _ = SpikesRule().passed(x, {"threshold": torch.tensor(0.6)}, None)
    assert {round(v, 4) for v in values.unique().tolist()} <= {-0.6, 0.0, 0.6}
    # What is left of a potential is at most the threshold and one input.
    assert float((values.sum(1) - x.sum(1)).abs().max()) < 1.4


def test_pressure_is_the_gradient_of_the_changes():
    x = walk(2, 6, 3).requires_grad_()
    rule = DeltaRule(threshold=0.0, pressure=0.5)
    rule.passed(x, {"threshold": torch.tensor(0.0)}, None)[0].sum().backward()
    y = x.detach().clone().requires_grad_()
    (y.sum() + 0.5 * y.diff(dim=1).abs().sum() / (2 * 5)).backward()
    assert torch.allclose(x.grad, y.grad)


@pytest.mark.parametrize("name", OVER_TIME)
def test_chunks_in_a_stream_give_the_whole_pass(name):
    model, x = net(), walk()
    sparse = applied(name, model, x)
    whole = model(x)
    with sparse.streaming():
        parts = [model(chunk) for chunk in x.split(7, dim=1)]
    assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-6)
    assert torch.equal(model(x), whole)  # a call begins new sequences again


@pytest.mark.parametrize("name", OVER_TIME)
def test_a_plan_is_undone_saved_and_opened(name, tmp_path):
    model, x = net(), walk()
    before = model(x)
    sparse = applied(name, model, x).then("magnitude", sparsity=0.5).then("ternary")
    thinned = model(x)
    assert not torch.equal(before, thinned)
    sparse.save(tmp_path)
    with sparse.suspended():
        assert torch.equal(model(x), before)
    other = net(seed=4)
    opened = st.open_sparse(other, tmp_path)
    assert torch.equal(other(x), thinned)
    assert [plan.to_config() for plan in opened.plans] == [p.to_config() for p in sparse.plans]
    sparse.dense()
    assert torch.equal(model(x), before)


def test_the_ledger_counts_changes_and_kept_weights():
    model, x = net(), walk()
    sparse = st.sparsify(model, "magnitude", sparsity=0.5, sites="0")
    sparse.then("delta_network", sparsity=0.7, data=x, sites="0")
    found = st.cost(sparse, x)
    values, _ = sparse.plans[1].time.rule.passed(x, sparse.plans[1].learnt["0"], None)
    changed = sparse.plans[1].time.rule.needed(values).float()
    expected = changed @ (model[0].weight != 0).float().sum(0)
    assert found.by_step(2)[0].tolist() == expected[2].tolist()
    assert found.share_by_matrix()["0"] == pytest.approx(0.3 * 0.5, abs=0.06)


def test_a_plan_acts_on_a_language_model_beside_the_others():
    model, x = llama(), tokens(sequences=5)
    sparse = st.sparsify(model, "cats", sparsity=0.5, data=x)
    sparse.then("delta_network", sparsity=0.5, data=x, sites="model.layers.*.mlp.up_proj")
    sparse.then("lazy_neurons", sparsity=0.25, data=x)
    rows = sparse.report().matrices
    assert {row.plan for row in rows} == {"activations", "time"}
    held = [row for row in rows if row.plan == "time"]
    assert all(row.sparsity == pytest.approx(0.5, abs=0.05) for row in held)
    assert st.cost(sparse, x).share < 0.9


def test_pressure_in_training_makes_changes_rare():
    shares = []
    for pressure in (0.0, 0.3):
        model, x = net(), walk()
        target = x[..., :8].sign()
        sparse = st.sparsify(model, "delta_activation", data=x, threshold=0.1, pressure=pressure,
                             sites=["2", "4"])  # fmt: skip
        optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
        sparse.attach(optimiser)
        for _ in range(30):
            optimiser.zero_grad()
            (model(x) - target).square().mean().backward()
            optimiser.step()
        shares.append(st.cost(sparse, x).share_by_matrix())
    assert shares[1]["2"] < 0.8 * shares[0]["2"]


def test_bad_input_is_refused_in_words():
    with pytest.raises(DataError, match=r"an input of the shape \[4, 16\] at 0, expected \[seq"):
        st.sparsify(net(), "delta_network", sparsity=0.5, data=walk()[0][:4])
    with pytest.raises(DataError, match="sequences of one step at 0, expected at least two"):
        st.sparsify(net(), "delta_network", sparsity=0.5, data=walk()[:, :1])
    with pytest.raises(ConfigError, match=r"got sparsity=0\.5 for the method 'delta_activation'"):
        st.sparsify(net(), "delta_activation", sparsity=0.5, data=walk())
    with pytest.raises(
        ConfigError, match=r"threshold=-1\.0 and pressure=0\.0, expected none below"
    ):
        DeltaRule(threshold=-1.0)
    with pytest.raises(ConfigError, match=r"got leak=0\.0, expected more than 0"):
        SpikesRule(leak=0.0)
    sparse = st.sparsify(net(), "delta_network", sparsity=0.5, data=walk())
    with pytest.raises(MismatchError, match="another plan of time"):
        sparse.load_state_dict({"0/1/rate": torch.tensor(1.0)})
    with pytest.raises(ConfigError, match="a plan of activations or time, whose execution"):
        sparse.compile()
