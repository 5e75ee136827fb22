"""Training of thinned weights: optimisers, accumulation, clipping, wrappers, two processes."""

import pytest
import torch
from computation.small_nets import data, net, sparsified, train
from torch import nn

import sparsetime as st
from sparsetime.computation.masked_matrix import MaskedMatrix
from sparsetime.computation.weight_matrices import WeightMatrix
from sparsetime.errors import ConfigError

OPTIMISERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, 1e-2, foreach=False),
    "foreach": lambda p: torch.optim.AdamW(p, 1e-2, foreach=True),
    "fused": lambda p: torch.optim.AdamW(p, 1e-2, fused=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 1e-3, momentum=0.9),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_regrown_masks_hold_under_every_optimiser(name):
    model = net()
    sparse = sparsified("rigl", model)
    optimiser = OPTIMISERS[name](model.parameters())
    sparse.attach(optimiser)
    masks = [matrix.mask.clone() for matrix in sparse.plans[0].matrices]

    def check():
        for matrix in sparse.plans[0].matrices:
            parameter = matrix.target.parameter
            assert bool((parameter[~matrix.mask] == 0).all())
            for value in optimiser.state[parameter].values():
                if torch.is_tensor(value) and value.shape == parameter.shape:
                    assert bool((value[~matrix.mask] == 0).all())

    train(model, optimiser, 8, check)
    changed = [not torch.equal(a, m.mask) for a, m in zip(masks, sparse.plans[0].matrices)]  # noqa: B905
    assert all(changed)
    counts = [int(m.mask.sum()) for m in sparse.plans[0].matrices]
    assert counts == [int(mask.sum()) for mask in masks]


def test_accumulated_gradients_give_the_masks_of_one_batch():
    def trained(parts):
        model = net()
        sparse = sparsified("rigl", model)
        optimiser = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
        sparse.attach(optimiser)
        x, y = data()
        for _ in range(6):
            optimiser.zero_grad()
            for rows in torch.arange(len(x)).chunk(parts):
                loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
                (loss * len(rows) / len(x)).backward()
            optimiser.step()
        return sparse, model

    (whole, a), (parts, b) = trained(1), trained(4)
    for one, other in zip(whole.plans[0].matrices, parts.plans[0].matrices, strict=True):
        assert torch.equal(one.mask, other.mask)
    assert torch.allclose(a[0].weight, b[0].weight, atol=1e-5)


def test_clipping_sees_the_gradients_that_count():
    model = net()
    sparse = sparsified("magnitude", model, sparsity=0.9)
    sparse.attach(torch.optim.SGD(model.parameters(), 0.1))
    x, y = data()
    nn.functional.cross_entropy(model(x), y).backward()
    for matrix in sparse.plans[0].matrices:
        assert bool((matrix.target.parameter.grad[~matrix.mask] == 0).all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_removed_entries_become_zero_in_every_dtype_and_whatever_they_were(dtype):
    linear = nn.Linear(4, 2).to(dtype)
    matrix = MaskedMatrix(WeightMatrix("", "weight", linear))
    mask = torch.tensor([[True, False, True, False], [False, True, True, False]])
    matrix.set_mask(mask)
    values = torch.tensor([[-1.5, torch.inf, -0.0, torch.nan], [-2.0, 3.0, torch.inf, -0.0]])
    found = values.to(dtype)
    matrix.remove(found)
    assert torch.equal(found, values.to(dtype).masked_fill(~mask, 0))
    assert not bool(found[~mask].signbit().any()) and bool(found[0, 2].signbit())
    matrix.set_mask(torch.ones_like(mask))
    matrix.remove(found)
    assert found[1, 2] == torch.inf and found[1, 1] == 3


def test_random_growth_is_a_function_of_seed_and_step():
    def masks(seed):
        model = net()
        sparse = sparsified("set", model, seed=seed)
        optimiser = torch.optim.SGD(model.parameters(), 0.05)
        sparse.attach(optimiser)
        train(model, optimiser, 4)
        return [matrix.mask for matrix in sparse.plans[0].matrices]

    assert all(map(torch.equal, masks(0), masks(0)))
    assert not all(map(torch.equal, masks(0), masks(1)))


def test_straight_through_trains_removed_weights_and_decays_them():
    model = net()
    sparse = sparsified("sr_ste", model)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    sparse.attach(optimiser)
    first = sparse.plans[0].matrices[0]
    before, mask = first.dense.clone(), first.mask.clone()
    x, y = data()
    nn.functional.cross_entropy(model(x), y).backward()
    gradient = model[0].weight.grad.clone()
    optimiser.step()
    expected = before - 0.1 * (gradient + 2e-4 * before * ~mask)
    assert torch.allclose(first.dense, expected, atol=1e-6)
    assert torch.equal(model[0].weight, first.dense * first.mask)


def test_the_backward_pass_of_bdwp_is_thinned_along_outputs():
    model = net()
    sparse = sparsified("bdwp", model)
    sparse.attach(torch.optim.SGD(model.parameters(), 0.1))
    x = data()[0].requires_grad_()
    hidden = model[0](x)
    hidden.sum().backward()
    matrix = sparse.plans[0].matrices[0]
    rule, structure = sparse.plans[0].plan.gradient_rule, sparse.plans[0].plan.structure
    mask = rule.backward_mask(matrix.dense, structure, matrix.sparsity)
    assert structure.holds(mask.T)
    assert torch.allclose(x.grad, torch.ones_like(hidden) @ (matrix.dense * mask), atol=1e-5)


def test_detaching_ends_the_changes():
    model = net()
    sparse = sparsified("magnitude", model)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    sparse.attach(optimiser).detach()
    train(model, optimiser, 1)
    assert not sparse.report().holds


def test_a_wrapped_optimiser_is_attached_by_what_it_wraps():
    class Wrapped:
        def __init__(self, optimizer):
            self.optimizer = optimizer

    model = net()
    sparse = sparsified("magnitude", model)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    sparse.attach(Wrapped(optimiser))
    train(model, optimiser, 2)
    assert sparse.report().holds


def test_optimisers_that_cannot_be_attached_are_refused():
    model = net()
    sparse = sparsified("magnitude", model)
    with pytest.raises(ConfigError, match="got object as optimiser, which has no step hooks"):
        sparse.attach(object())
    with pytest.raises(ConfigError, match="got LBFGS, which computes the loss several times"):
        sparse.attach(torch.optim.LBFGS(model.parameters()))
    with pytest.raises(ConfigError, match="lacks 2 of the 3 thinned matrices"):
        sparse.attach(torch.optim.SGD(model[0].parameters(), 0.1))
    sparse.attach(torch.optim.SGD(model.parameters(), 0.1))
    with pytest.raises(ConfigError, match="attached already; call detach"):
        sparse.attach(torch.optim.SGD(model.parameters(), 0.1))
    with pytest.raises(ConfigError, match="apply all plans before attach"):
        sparse.then("magnitude", sparsity=0.9)


def test_hooks_of_a_refused_optimiser_are_not_left_behind():
    model = net()
    sparse = st.sparsify(model, "magnitude", sparsity=0.5, sites="0")
    sparse.then("magnitude", sparsity=0.5, sites="2")
    with pytest.raises(ConfigError, match="lacks 1 of the 1 thinned matrices"):
        sparse.attach(torch.optim.SGD(model[0].parameters(), 0.1))
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    sparse.attach(optimiser)
    train(model, optimiser, 2)
    assert sparse.report().holds
    assert all(plan.step == 2 for plan in sparse.plans)


def test_an_opened_plan_is_trained_through_dense_weights(tmp_path):
    sparsified("bdwp", net()).save(tmp_path)
    model = net(1)
    sparse = st.open_sparse(model, tmp_path)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    sparse.attach(optimiser)
    train(model, optimiser, 3)
    assert sparse.report().holds


def test_a_matrix_without_a_gradient_keeps_its_mask():
    model = net()
    sparse = sparsified("rigl", model)
    optimiser = torch.optim.SGD(model.parameters(), 0.05)
    sparse.attach(optimiser)
    first, second, _ = sparse.plans[0].matrices
    masks = first.mask.clone(), second.mask.clone()
    model[0].weight.requires_grad_(False)
    train(model, optimiser, 2)
    assert torch.equal(first.mask, masks[0]) and not torch.equal(second.mask, masks[1])


def test_two_plans_of_a_matrix_are_not_trained_together():
    model = net()
    sparse = st.sparsify(model, "magnitude", sparsity=0.5).then("magnitude", sparsity=0.8)
    with pytest.raises(ConfigError, match=r"got two plans of 0\.weight"):
        sparse.attach(torch.optim.SGD(model.parameters(), 0.1))


def test_trained_weights_are_not_undone():
    model = net()
    sparse = sparsified("magnitude", model)
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    sparse.attach(optimiser)
    train(model, optimiser, 2)
    with pytest.raises(ConfigError, match="trained for 2 steps since it was thinned"):
        sparse.dense()
    train(model, optimiser, 1)
    assert sparse.report().holds  # it is still attached
