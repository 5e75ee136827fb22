"""Linear maps with constant fan-in: equal to the masked dense product."""

import pytest
import torch

from sparsetime.computation.structures.fan_in import FanIn
from sparsetime.errors import MismatchError
from sparsetime.kernels.condensed import CondensedMatrix


@pytest.mark.parametrize(("out", "inputs", "rows"), [(7, 20, 1), (32, 16, 5), (3, 70_000, 2)])
def test_the_product_is_that_of_the_masked_matrix(out, inputs, rows):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(out, inputs, generator=generator)
    x, bias = torch.randn(rows, inputs, generator=generator), torch.arange(float(out))
    mask = FanIn().mask(weight.abs(), 0.75)
    mask[1] = False
    matrix = CondensedMatrix.from_mask(weight, mask)
    expected = torch.nn.functional.linear(x, weight * mask, bias)
    assert torch.allclose(matrix.product(x, bias), expected, rtol=1e-4, atol=1e-3)
    assert torch.allclose(matrix.product(x), expected - bias, rtol=1e-4, atol=1e-3)
    assert matrix.values.shape == (out, round(inputs / 4))


def test_unequal_rows_and_other_inputs_are_refused():
    mask = torch.tensor([[True, False, False], [True, True, False]])
    with pytest.raises(MismatchError, match="got rows with 1 to 2 entries, expected equally many"):
        CondensedMatrix.from_mask(torch.ones(2, 3), mask)
    matrix = CondensedMatrix.from_mask(torch.ones(2, 3), mask[:1].expand(2, 3))
    with pytest.raises(MismatchError, match="got rows of 4 inputs for a condensed matrix, expect"):
        matrix.product(torch.ones(1, 4))
