"""Split of the error, and description length, where they follow by hand."""

import math

import numpy as np
import pytest
import torch
from known_codes import Itself, make_store

from sparsetime import seeds
from sparsetime.errors import DataError
from sparsetime.metrics import fit_error_split
from sparsetime.metrics.evaluate import evaluate


def rows(seed, *shape):
    return seeds.numpy_generator(seed, "random inputs").integers(0, 2, size=shape).astype(float)


def test_an_error_that_is_linear_in_the_activation_is_predicted(tmp_path):
    # x_hat = x / 2: the error x / 2 is linear, and on binary rows so is its squared norm.
    store = make_store(tmp_path / "s", [rows(i, 40, 3) for i in range(4)])
    report = evaluate(Itself(3, gain=0.5), store, "error", progress=False)
    assert report["error_r2"].value == pytest.approx(1, abs=1e-3)
    assert report["error_norm_r2"].value == pytest.approx(1, abs=1e-3)
    assert report["error_r2"].details["null"] == 0


def test_an_error_that_is_not_linear_is_not(tmp_path):
    # The code keeps positive entries: of symmetric rows the error min(x, 0) is half linear:
    # min(x, 0) = (x - |x|) / 2, whose parts vary by 1 / 4 and, of x = +-1, by nothing.
    signs = [2 * rows(i, 200, 2) - 1 for i in range(4)]
    store = make_store(tmp_path / "s", [s * [[1.0, 1.0]] for s in signs])
    assert evaluate(Itself(2), store, "error_r2", progress=False)[
        "error_r2"
    ].value == pytest.approx(1, abs=1e-3)
    # Its squared norm counts negative entries: linear in the signs too, and not in x^2.
    squared = make_store(tmp_path / "t", [s * (1 + rows(9, 200, 1)) for s in signs])
    value = evaluate(Itself(2), squared, "error_norm_r2", progress=False)["error_norm_r2"].value
    assert value < 0.95


def test_the_linear_part_and_the_rest_add_up_to_the_error():
    x = torch.randn(50, 4, dtype=torch.float64)
    error = x @ torch.randn(4, 4, dtype=torch.float64) + 3
    split = fit_error_split(x, error, ridge=0)
    torch.testing.assert_close(split.linear_part(x), error)
    with pytest.raises(DataError, match=r"got 7 rows of 4 dimensions .* expected at least 8"):
        fit_error_split(x[:7], error[:7])


def test_bits_of_a_perfect_code_are_those_of_its_latents(tmp_path):
    # One of two latents fires on each row with value 1; rows are (1, 0) and (0, 1).
    x = np.tile([[1.0, 0.0], [0.0, 1.0]], (10, 1))
    store = make_store(tmp_path / "s", [x, x])
    value = evaluate(Itself(2), store, "bits", progress=False)["bits"]
    # p = 1/2 twice: two bits; each row has one value of square 1 / 0.5 in units of the variance.
    of_value = math.log2(1 + 2 / 0.02**2) / 2
    assert value.value == pytest.approx((2 + of_value) / 2)
    of_mean = math.log2(1 + 0.5 / 0.02**2) / 2
    assert value.details["null"] == pytest.approx(of_mean)


def test_what_gives_no_number_is_left_out_with_its_reason(tmp_path):
    store = make_store(tmp_path / "s", [np.ones((20, 2))])
    report = evaluate(Itself(2), store, ["bits", "error"], progress=False)
    assert "do not vary" in report.left_out["bits"]
    assert "got one sequence, expected two" in report.left_out["error_r2"]
