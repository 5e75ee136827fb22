"""FVU of one batch, and of sums over many."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sparsetime.statistics.fvu import FvuSums, fvu


@pytest.fixture
def rows():
    generator = torch.Generator().manual_seed(0)
    target = torch.randn(60, 5, generator=generator) + 3
    return target, 0.3 * torch.randn(60, 5, generator=generator)


def test_the_mean_has_an_fvu_of_one_and_a_perfect_reconstruction_of_zero(rows):
    target, _ = rows
    assert fvu(target, target - target.mean(0)).item() == pytest.approx(1)
    assert fvu(target, torch.zeros_like(target)).item() == 0


def test_sums_over_batches_agree_with_one_batch(rows):
    target, residual = rows
    sums = FvuSums(5, groups=2)
    for start, group in ((0, 0), (25, 1), (45, 0)):
        stop = {0: 25, 25: 45, 45: 60}[start]
        sums.add(target[start:stop], residual[start:stop], group)
    sums.add(target[:0], residual[:0])
    assert sums.value == pytest.approx(fvu(target, residual).item(), rel=1e-5)
    alone = torch.cat([target[:25], target[45:]]), torch.cat([residual[:25], residual[45:]])
    first = sums.statistic(np.array([[1.0, 0.0]]))[0]
    assert first == pytest.approx(fvu(*alone).item(), rel=1e-5)
    twice = sums.statistic(np.array([[2.0, 2.0]]))[0]
    assert twice == pytest.approx(sums.value)


def test_without_variance_there_is_no_fvu():
    sums = FvuSums(2)
    sums.add(torch.full((4, 2), 1e4), torch.ones(4, 2))
    assert math.isnan(sums.value)
