"""The selection protocols are exact: in one round, in two, and with equal values."""

import pytest
import torch
from process_checks import WIDTH, K, score_cases

from sparsetime import kernels
from sparsetime.training.distributed.row_selection import first_proposals

CASES = score_cases()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["rows", "batch"])
def test_both_protocols_keep_what_one_process_keeps(name, kind, found):
    rule = kernels.TopKRule(K) if kind == "rows" else kernels.BatchTopKRule(K)
    one = kernels.select_dense(CASES[name], rule)
    both = torch.cat([part["selections"][f"{kind}/{name}"] for part in found]).sort().values
    assert torch.equal(both, one.row_of_entry * WIDTH + one.indices)


def test_rounds_are_taken_where_they_are_needed(found):
    """One gather in general; a second for more proposals; another for the numbers of equal ones."""
    assert first_proposals(K, 2) < K
    for part in found:
        gathers = {name: int(part["selections"][f"rows/{name}/gathers"]) for name in CASES}
        assert gathers["few"] == gathers["none"] == 1
        assert gathers["one-sided"] == 2
        assert gathers["equal"] >= 2
        sums = {name: int(part["selections"][f"batch/{name}/sums"]) for name in CASES}
        assert sums["one-sided"] > sums["random"]
