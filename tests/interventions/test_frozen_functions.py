"""Frozen functions: the numbers of torch's own, with the scale or the pattern as a constant."""

import pytest
import torch
from torch.nn import functional

from sparsetime import seeds
from sparsetime.errors import DataError
from sparsetime.interventions.frozen_functions import FrozenFunctions

X = torch.randn(2, 5, 8, generator=seeds.torch_generator(0, "random inputs"))
W = torch.linspace(0.5, 2, 8)


def heads(x, count):
    return x.reshape(2, 5, 8 // count, count).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: functional.layer_norm(x, (8,), W, W, 0.3),
        lambda x: functional.layer_norm(x, (8,), eps=0.3),
        lambda x: functional.layer_norm(x, (5, 8)),
        lambda x: functional.rms_norm(x, (8,), W, 0.3),
        lambda x: functional.rms_norm(x, (8,)),
        lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True)),
        lambda x: x * (x**2).mean(-1, keepdim=True) ** -0.5,
        lambda x: x / x.norm(dim=-1, keepdim=True),
        lambda x: x * x.sigmoid(),
        lambda x: functional.softmax(x @ x.mT, -1) @ x,
        lambda x: functional.scaled_dot_product_attention(x, x, x, is_causal=True, scale=0.3),
        lambda x: functional.scaled_dot_product_attention(
            heads(x, 4), heads(x, 2)[..., :2], heads(x, 2), enable_gqa=True
        ),
        lambda x: functional.scaled_dot_product_attention(
            x, x, x, attn_mask=torch.ones(5, 5, dtype=torch.bool).tril()
        ),
    ],
)
def test_values_are_those_of_the_function_and_the_rest_is_linear(function):
    expected = function(X)
    with FrozenFunctions() as mode:
        found = function(X)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    with FrozenFunctions(mode.values):
        doubled = function(2 * X)
    with FrozenFunctions(mode.values):
        zero = function(0 * X)
    torch.testing.assert_close(doubled - zero, 2 * (found - zero), rtol=1e-5, atol=1e-5)
    assert mode.summary()


def test_squares_are_not_frozen():
    with FrozenFunctions() as mode:
        torch.testing.assert_close(X.pow(2), X * X)
    assert mode.values == []


def test_a_replay_of_other_functions_is_an_error():
    with FrozenFunctions() as mode:
        X.softmax(-1)
    with (
        pytest.raises(DataError, match=r"the module '\.' calls other functions when its input"),
        FrozenFunctions(mode.values),
    ):
        X.rsqrt()


def test_values_that_are_changed_in_place_stay_in_the_record():
    with FrozenFunctions() as mode:
        pattern = X.softmax(-1)
        pattern.zero_()
    assert float(mode.values[0].value.sum()) == pytest.approx(10)
