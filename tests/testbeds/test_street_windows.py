"""Windows of the pedestrian counts: without gaps, and on one side of the held-out years."""

import numpy as np
import pytest
import torch

from sparsetime.errors import DataError
from sparsetime.testbeds.series import street_windows as module
from sparsetime.testbeds.series.auckland import Counts


@pytest.fixture
def few(monkeypatch):
    """Two years of two sensors, the second year held out; values are the number of the hour."""
    hours = 24 * 731
    values = np.stack([np.arange(hours), -np.arange(hours)], axis=1).astype(np.float32)
    values[100:110, 1] = np.nan
    data = Counts(values, np.datetime64("2020-01-01T00", "h"), ("a", "b"))
    monkeypatch.setattr(module, "counts", lambda: data)
    return data


def test_windows_are_contiguous_and_of_one_part(few):
    border = 24 * 366
    for held_out in (False, True):
        x = module.street_windows(48, 200, seed=1, held_out=held_out)
        assert x.shape == (200, 48, 1)
        assert (x[..., 0].diff(dim=1).abs() == 1).all()
        assert ((x.abs() >= border) == held_out).all()
    assert torch.equal(x, module.street_windows(48, 200, seed=1, held_out=True))
    assert not torch.equal(x, module.street_windows(48, 200, seed=2, held_out=True))


def test_windows_of_a_city_have_all_sensors_at_the_same_hours(few):
    x = module.city_windows(24, 100, seed=0)
    assert x.shape == (100, 24, 2)
    assert torch.equal(x[..., 0], -x[..., 1])
    with pytest.raises(DataError, match="got no window of all sensors without a gap"):
        module.city_windows(24 * 400, 1, seed=0)
