"""Errors of a patch: what they advise is what a patch can do."""

import pytest
import torch
from torch import nn

from sparsetime.errors import MismatchError
from sparsetime.interventions.patch import patched


def test_a_site_with_time_on_another_axis_is_an_error_without_advice_to_set_it():
    model = nn.Sequential(nn.Conv1d(6, 5, 1))
    with (
        pytest.raises(
            MismatchError, match=r"expected \[batch, time, d\].* choose a site with"
        ) as error,
        patched(model, "0", lambda x: x, 2, 7),
    ):
        model(torch.zeros(2, 6, 7))
    assert "set time_axis" not in str(error.value)
