"""Every recipe of sparse computation: masks hold in training, files and resumed runs are exact."""

import pytest
import torch
from computation.small_nets import CARDS, EVERY, SPARSITY, TRAINED, data, net, sparsified, train

import sparsetime as st


def adam(model):
    return torch.optim.AdamW(model.parameters(), 1e-2)


@pytest.mark.parametrize("name", EVERY)
def test_a_card_describes_a_plan_that_is_its_json(name):
    card = EVERY[name]
    plan = card.make()
    again = st.computation.plan_from_config(plan.to_config())
    assert again.to_config() == plan.to_config()
    assert card.components == plan.components
    assert card.needs <= {"data", "training"}


@pytest.mark.parametrize("name", CARDS)
def test_the_structure_holds_at_every_step_of_training(name):
    model = net()
    sparse = sparsified(name, model)
    optimiser = adam(model)
    sparse.attach(optimiser)
    rule = sparse.plans[0].plan.gradient_rule

    def check():
        matrices = sparse.plans[0].matrices
        assert all(sparse.plans[0].plan.structure.holds(m.mask_matrix) for m in matrices)
        if rule.kind != "faded" or sparse.plans[0].step >= rule.until:
            assert sparse.report().holds

    train(model, optimiser, 10, check)
    # A whole fan-in rounds the number of weights of each row.
    coarse = 0.03 if sparse.plans[0].plan.structure.kind == "fan_in" else 0.01
    assert sparse.report().sparsity == pytest.approx(SPARSITY.get(name, 0.5), abs=coarse)


@pytest.mark.parametrize("name", TRAINED)
def test_a_saved_model_opens_bit_for_bit(name, tmp_path):
    model = net()
    sparse = sparsified(name, model)
    optimiser = adam(model)
    sparse.attach(optimiser)
    train(model, optimiser, 8)
    sparse.save(tmp_path)
    other = net(seed=5)
    opened = st.open_sparse(other, tmp_path)
    for name_, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name_])
    assert opened.report() == sparse.report()
    assert [plan.to_config() for plan in opened.plans] == [p.to_config() for p in sparse.plans]


@pytest.mark.parametrize("name", TRAINED)
def test_training_resumes_to_the_same_bits(name):
    model = net()
    sparse, optimiser = sparsified(name, model), adam(model)
    sparse.attach(optimiser)
    train(model, optimiser, 10)

    first = net()
    begun, first_optimiser = sparsified(name, first), adam(first)
    begun.attach(first_optimiser)
    train(first, first_optimiser, 5)
    saved = (first.state_dict(), first_optimiser.state_dict(), begun.state_dict())

    second = net(seed=3)
    resumed, second_optimiser = sparsified(name, second), adam(second)
    for taker, state in zip((second, second_optimiser, resumed), saved, strict=True):
        taker.load_state_dict(state)
    resumed.attach(second_optimiser)
    train(second, second_optimiser, 5)
    for name_, value in model.state_dict().items():
        assert torch.equal(value, second.state_dict()[name_])


def test_plans_stack_and_are_undone_in_turn():
    model, x = net(), data()[0]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    sparse = st.sparsify(model, "magnitude", sparsity=0.5)
    sparse.then("2:4", sparsity=0.5, sites="2").then("wanda", sparsity=0.75, data=x)
    assert sparse.report().sparsity == pytest.approx(0.75)
    assert [row.plan for row in sparse.report().matrices] == ["weights"] * 7
    sparse.then("magnitude", sparsity=0.25)
    assert sparse.report().sparsity == pytest.approx(0.75)  # of weights that are gone already
    assert sparse.dense() is model
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert sparse.plans == []
