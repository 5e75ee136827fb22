"""How often latents fire, when last, and with whom."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparsetime import kernels
from sparsetime.kernels import Support


def dense(support):
    on = torch.zeros(support.rows, support.width, dtype=torch.int64)
    on[support.row_of_entry, support.indices] = 1
    return on


@pytest.mark.parametrize("name", ["reference", "cpu"])
@settings(deadline=None, max_examples=40)
@given(
    counts=st.lists(st.integers(0, 7), max_size=8),
    width=st.sampled_from([7, 300, 700]),
    seed=st.integers(0, 99),
)
def test_they_are_those_of_the_dense_code(name, counts, width, seed):
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randperm(width, generator=generator)[:n].sort().values for n in counts]
    indices = torch.cat([torch.zeros(0, dtype=torch.int64), *rows])
    support = Support(torch.tensor([0, *counts]).cumsum(0), indices, width)
    with kernels.use(name):
        found = kernels.count_latents(support)
    on = dense(support)
    assert torch.equal(found.fired, on.sum(0))
    last = [int(column.nonzero().max()) if column.any() else -1 for column in on.T]
    assert found.last.tolist() == last
    pairs = (on.T @ on).triu(1)
    assert torch.equal(found.partners, pairs.nonzero()[:, 1])
    assert torch.equal(found.together, pairs[pairs > 0])
    assert torch.equal(found.offsets.diff(), (pairs > 0).sum(1))
