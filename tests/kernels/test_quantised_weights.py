"""Integers of weights are kept while the weights are the same, and never longer."""

import copy
import gc

import numpy as np
import pytest
import torch
from torch import nn

import sparsetime as st
from sparsetime import kernels
from sparsetime.kernels import AdamStep, GradientRows, quantised_weights
from sparsetime.kernels.quantised_weights import quantised


def weight_of(width=1100, d=12):
    generator = torch.Generator().manual_seed(0)
    return nn.Parameter(torch.randn(width, d, generator=generator))


def test_integers_are_kept_while_the_weight_is_the_same():
    weight = weight_of()
    first = quantised(weight, keep=True)
    assert quantised(weight) is first
    other = weight_of()
    assert quantised(other) is not first
    assert quantised(weight) is first


def test_integers_are_kept_only_where_asked_for():
    weight = weight_of()
    assert quantised(weight) is not quantised(weight)


def test_integers_leave_with_their_weight():
    weight = weight_of()
    quantised(weight, keep=True)
    count = len(quantised_weights._kept)
    del weight
    gc.collect()
    assert len(quantised_weights._kept) == count - 1


def adam(weight):
    step = AdamStep(1e-2, 1)
    moments = [torch.zeros_like(weight.detach()) for _ in range(2)]
    gradient = GradientRows(torch.ones_like(weight.detach()))
    kernels.adam(weight.detach(), *moments, gradient, torch.tensor(1.0), step, False)


def load(weight):
    holder = nn.Linear(1, 1)
    holder.weight = weight
    holder.load_state_dict({"weight": torch.randn_like(weight)}, strict=False)


def there_and_back(weight):
    holder = nn.Linear(1, 1)
    holder.weight = weight
    holder.to(torch.bfloat16).to(torch.float32)


def replaced(weight):
    weight.data = weight.data.clone()[torch.randperm(len(weight))]


@torch.no_grad()
def one_number(weight):
    weight[5, 3] += 1


def fused(optimiser):
    def change(weight):
        weight.grad = torch.ones_like(weight)
        optimiser([weight], lr=1e-2, fused=True).step()

    return change


def swapped(weight):
    torch.utils.swap_tensors(weight, nn.Parameter(torch.randn_like(weight)))


CHANGES = {
    "one number in place": one_number,
    "all in place": lambda weight: weight.detach().mul_(1.01),
    "copied into": lambda weight: weight.detach().copy_(torch.randn_like(weight)),
    "a kernel's step of Adam": adam,
    "load_state_dict": load,
    "another dtype and back": there_and_back,
    "other data": replaced,
    "swapped with another": swapped,
    "a fused step of Adam": fused(torch.optim.Adam),
    "a fused step of SGD": fused(torch.optim.SGD),
    "all of .data": lambda weight: weight.data.mul_(1.01),
    "a row of .data": lambda weight: weight.data[7].mul_(1.01),
    "a row by numpy": lambda weight: np.multiply(r := weight.detach().numpy()[7], 2, out=r),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_change_leaves_old_integers(change):
    weight = weight_of()
    before = quantised(weight, keep=True)
    change(weight)
    after = quantised(weight, keep=True)
    assert after is not before
    fresh = quantised(weight.detach().clone())
    assert (after.panels == fresh.panels).all()
    assert (after.scales == fresh.scales).all()
    assert (after.norms == fresh.norms).all()


def test_integers_do_not_stop_torch_from_swapping_parameters(monkeypatch):
    monkeypatch.setattr(torch.__future__, "_swap_module_params_on_conversion", True)
    holder = nn.Linear(1, 1)
    holder.weight = weight_of()
    quantised(holder.weight, keep=True)
    assert holder.to(torch.float64).weight.dtype == torch.float64
    quantised(holder.weight, keep=True)
    holder.load_state_dict({"weight": torch.zeros(1100, 12)}, strict=False)
    assert not quantised(holder.weight, keep=True).scales.any()


def test_views_of_one_storage_have_integers_of_their_own():
    whole = torch.zeros(2048, 12)
    whole[1024:] = 1
    for rows in (whole[:1024], whole[1024:], whole[:, :6], whole[:, 6:]):
        assert (quantised(rows, keep=True).panels == quantised(rows.clone()).panels).all()


def test_weights_without_a_count_of_changes():
    with torch.inference_mode():
        weight = torch.randn(1100, 12)
        assert quantised(weight, keep=True) is not quantised(weight, keep=True)


@pytest.mark.parametrize("recipe", ["topk", "batch_topk"])
def test_a_dictionary_encodes_with_its_weights_of_now(recipe, monkeypatch):
    monkeypatch.setattr(
        "sparsetime.dictionaries.encoders.select_linear.selection_dtype", lambda _: torch.int8
    )
    monkeypatch.setattr(quantised_weights, "_has_vnni", lambda: True)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(300, 16, generator=generator)
    sae = st.dictionary(recipe, d_in=16, width=1024, k=4).eval()
    with torch.no_grad():
        for _ in range(3):
            sae.encode(x)
            sae.encoder.weight.copy_(torch.randn(1024, 16, generator=generator))
            expected = copy.deepcopy(sae).encode(x)
            found = sae.encode(x)
            assert torch.equal(found.indices, expected.indices)
            assert torch.equal(found.values, expected.values)
