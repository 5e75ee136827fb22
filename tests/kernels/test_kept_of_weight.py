"""What is kept of a weight is that of its present numbers, and leaves with it."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import nn

from sparsetime.kernels import cpu_select, error_bounds
from sparsetime.kernels.kept_of_weight import KeptOfWeight
from sparsetime.kernels.selection import select_exactly
from sparsetime.kernels.selection_rules import TopKRule


def weight_of(width=50, d=6):
    return nn.Parameter(torch.randn(width, d, generator=torch.Generator().manual_seed(0)))


def test_a_value_is_kept_while_the_weight_is_the_same_and_leaves_with_it():
    calls = []
    kept = KeptOfWeight(lambda weight: calls.append(1) or weight.sum())
    weight, other = weight_of(), weight_of()
    assert kept(weight) is kept(weight) and len(calls) == 1
    kept(other)
    assert kept(weight) is kept(weight) and len(calls) == 2
    del other
    gc.collect()
    assert len(kept) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda weight: weight.detach().mul_(2),
        lambda weight: weight.data.add_(1.0),
        lambda weight: setattr(weight, "data", torch.ones(50, 6)),
        lambda weight: weight.detach().numpy().__imul__(3),
    ],
)
def test_a_changed_weight_gives_a_new_value(change):
    kept = KeptOfWeight(lambda weight: weight.sum())
    weight = weight_of()
    kept(weight)
    change(weight)
    assert kept(weight) == weight.detach().sum()


def test_weights_made_in_inference_are_not_kept():
    kept = KeptOfWeight(lambda weight: weight.sum())
    with torch.inference_mode():
        weight = torch.ones(3, 2)
    assert kept(weight) == 6 and len(kept) == 0


def test_selection_keeps_a_copy_in_bfloat16_and_sees_that_the_weight_changed():
    weight, bias = weight_of(1100, 12), torch.zeros(1100)
    x = torch.randn(9, 12, generator=torch.Generator().manual_seed(1))
    for _ in range(2):
        chosen = select_exactly(x, weight, bias, TopKRule(4), torch.bfloat16)
        exact = (x @ weight.detach().T).clamp_min(0).topk(4).indices.sort().values
        assert torch.equal(chosen.indices.reshape(9, 4).sort().values, exact)
        assert cpu_select._in_bfloat16._kept[weight.untyped_storage()]
        assert error_bounds._longest_row(weight) == weight.detach().norm(dim=1).max()
        weight.detach().copy_(torch.randn(1100, 12, generator=torch.Generator().manual_seed(2)))
