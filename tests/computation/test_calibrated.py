"""Scores and swaps that read calibration data, against their formulas."""

import pytest
import torch
from computation.small_nets import data, net
from torch import nn

import sparsetime as st
from sparsetime.computation.input_statistics import input_statistics
from sparsetime.models.load import load_model


def test_wanda_compares_weights_times_input_norms_within_an_output():
    model = net()
    x = data()[0]
    weight = model[0].weight.detach().clone()
    st.sparsify(model, "wanda", sparsity=0.5, data=x, sites="0")
    score = weight.abs() * x.norm(dim=0)
    kept = score >= score.sort(dim=1).values[:, 8:9]
    assert torch.equal(model[0].weight != 0, kept)


@pytest.mark.parametrize("settings", [{"padding": 1}, {"stride": 2, "dilation": 2}])
def test_inputs_of_convolutions_are_their_patches(settings):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3, **settings), nn.Flatten())
    x = torch.randn(5, 3, 8, 8)
    (matrix,) = st.computation.weight_matrices(model)
    batches = st.computation.model_batches(load_model(model), x)
    found = input_statistics(model, [matrix], batches)["0.weight"]
    patches = nn.functional.unfold(x, 3, **settings).transpose(1, 2).reshape(-1, 27)
    assert found.rows == len(patches)
    assert torch.allclose(found.norm, patches.norm(dim=0), rtol=1e-5)
    assert torch.allclose(found.variance, patches.var(dim=0, unbiased=False), rtol=1e-4)


def test_saliency_is_weight_times_gradient_of_the_mean_loss():
    model, (x, y) = net(), data()
    loss = nn.functional.cross_entropy(model(x), y)
    (gradient,) = torch.autograd.grad(loss, [model[0].weight])
    score = (model[0].weight.detach() * gradient).abs()
    plan = st.computation.WeightPlan("saliency")
    st.sparsify(model, plan, sparsity=0.5, data=(x, y), sites="0")
    threshold = score.flatten().sort().values[score.numel() // 2]
    assert torch.equal(model[0].weight != 0, score >= threshold)
    assert model[0].weight.grad is None


def test_gradients_are_those_of_evaluation_and_leave_its_statistics():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.Dropout(0.5), nn.Linear(32, 8))
    x, y = data()
    kept = []
    for _ in range(2):
        before = {name: value.clone() for name, value in model.state_dict().items()}
        sparse = st.sparsify(model.train(), score="saliency", sparsity=0.5, data=(x, y))
        kept.append(model[0].weight != 0)
        assert sparse.dense().training
        assert all(torch.equal(before[name], v) for name, v in model.state_dict().items())
    assert torch.equal(*kept)


def test_a_list_of_two_tensors_is_two_batches():
    x = data()[0]
    loaded = load_model(net())
    halves, pair = [x[:32], x[32:]], (x, data()[1])
    assert [b.documents[0] for b in st.computation.model_batches(loaded, halves)] == [0, 32]
    (batch,) = st.computation.model_batches(loaded, pair)
    assert torch.equal(batch.target, pair[1])


def test_swaps_lower_the_error_of_the_mean_output_and_keep_values():
    x = data()[0] + torch.randn(16, generator=torch.Generator().manual_seed(4))
    wanda, swapped, dense = net(), net(), net()
    st.sparsify(wanda, "wanda", sparsity=0.75, data=x, sites="0")
    st.sparsify(swapped, "dsnot", sparsity=0.75, data=x, sites="0", threshold=0.0)
    w = dense[0].weight.detach()

    def error(model):
        return ((model[0].weight.detach() - w) @ x.mean(0)).abs().sum()

    assert error(swapped) < 0.8 * error(wanda)
    kept = swapped[0].weight != 0
    assert torch.equal(swapped[0].weight[kept], w[kept])
    assert kept.sum(1).tolist() == [4] * 32
    assert bool((kept != (wanda[0].weight != 0)).any())
