"""Share of variance of the largest rows."""

import numpy as np
import pytest
import torch

from sparsetime.statistics.heavy_tail import top_share, warn_of_heavy_tail


def test_equal_rows_hold_their_share_and_one_of_many_all():
    assert top_share(np.ones(1000)) == pytest.approx(0.01)
    assert top_share(np.append(np.zeros(999), 5.0)) == 1
    assert top_share(np.arange(100.0)) == pytest.approx(99 / np.arange(100).sum())
    assert np.isnan(top_share(np.zeros(5)))


@pytest.mark.parametrize("heavy", [5, 50, 200])
def test_rows_that_decide_warn_up_to_a_fifth_of_all(heavy):
    x = torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))
    x[:heavy] *= 100
    message = rf"{heavy / 10:.1f}% of the activations are .* (9\d|100)% of the variance, and decide"
    with pytest.warns(UserWarning, match=message):
        warn_of_heavy_tail(x, "training")


def test_an_ordinary_tail_does_not_warn(recwarn):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1000, 4, generator=generator)
    warn_of_heavy_tail(x, "training")
    warn_of_heavy_tail(x * torch.rand(1000, 1, generator=generator).exp(), "training")
    x[:5] *= 10
    warn_of_heavy_tail(x, "training")  # a third of the variance
    warn_of_heavy_tail(torch.zeros(1000, 4), "training")
    warn_of_heavy_tail(100 * x[:50], "training")
    assert not recwarn.list


@pytest.mark.parametrize("active", [300, 450])
def test_sparse_events_between_silent_steps_do_not_warn(active, recwarn):
    """Without the active rows only noise would be left."""
    x = 0.01 * torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))
    x[:active] *= 100
    warn_of_heavy_tail(x, "training")
    assert not recwarn.list
