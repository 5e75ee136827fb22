"""Codes that look at the step before: closed forms, and compiled loops against plain PyTorch."""

import pytest
import torch

from sparsetime import kernels
from sparsetime.codes import SparseCode

BACKENDS = ["cpu", "reference"]


def code_of(rows):
    return SparseCode.from_dense(torch.tensor(rows))


def support_of(code):
    return kernels.Support(code.offsets, code.indices, code.width)


@pytest.mark.parametrize("name", BACKENDS)
def test_what_was_on_stays_on_while_it_is_a_candidate(name):
    #            fires  stays  gone   weak   fires | another segment: weak
    strengths = [2.0, 1.0, 0.0, 1.0, 2.0, 1.0]
    code = code_of([[s] for s in strengths])
    with kernels.use(name):
        on = kernels.hysteresis(code.values > 1.5, support_of(code), torch.tensor([0, 5, 6]))
    assert on.tolist() == [True, True, False, True, False]


def random_code(rows, width, share, seed):
    generator = torch.Generator().manual_seed(seed)
    dense = torch.rand(rows, width, generator=generator)
    return SparseCode.from_dense(dense * (torch.rand(rows, width, generator=generator) < share))


def test_compiled_stays_are_those_of_the_reference():
    code = random_code(200, 30, 0.5, seed=0)
    segments = torch.tensor([0, 0, 60, 61, 61, 150, 200, 200])
    found = {}
    for name in BACKENDS:
        with kernels.use(name):
            found[name] = kernels.hysteresis(code.values > 0.8, support_of(code), segments)
    assert torch.equal(found["cpu"], found["reference"])
    assert 0 < found["cpu"].float().mean() < 1


@pytest.mark.parametrize("name", BACKENDS)
def test_the_largest_change_comes_first_and_no_more_than_needed(name):
    atoms = torch.eye(3)
    past = code_of([[1.0, 0.0, 0.0]])
    fresh = code_of([[1.1, 2.0, 0.3], [1.1, 2.0, 0.3], [0.0, 2.0, 0.3]])
    aim = fresh.dense()
    with kernels.use(name):
        held = kernels.delta_code(fresh, aim, atoms, torch.tensor([0, 3]), 0.2, past)
    wanted = [[1.0, 2.0, 0.0], [1.0, 2.0, 0.0], [0.0, 2.0, 0.0]]
    torch.testing.assert_close(held.dense(), torch.tensor(wanted))


def test_compiled_held_codes_are_those_of_the_reference():
    generator = torch.Generator().manual_seed(1)
    atoms = torch.nn.functional.normalize(torch.randn(40, 12, generator=generator), dim=1)
    fresh = random_code(120, 40, 0.15, seed=2)
    aim = fresh.dense() @ atoms + 0.1 * torch.randn(120, 12, generator=generator)
    segments = torch.tensor([0, 50, 50, 51, 120])
    past = random_code(4, 40, 0.2, seed=3)
    found = {}
    for name in BACKENDS:
        with kernels.use(name):
            found[name] = kernels.delta_code(fresh, aim, atoms, segments, 0.5, past)
    assert torch.equal(found["cpu"].offsets, found["reference"].offsets)
    assert torch.equal(found["cpu"].indices, found["reference"].indices)
    torch.testing.assert_close(found["cpu"].values, found["reference"].values)
    assert found["cpu"].indices.numel() != fresh.indices.numel()


@pytest.mark.parametrize("name", BACKENDS)
def test_no_rows_make_no_code(name):
    empty = SparseCode.from_dense(torch.zeros(0, 5))
    nothing = torch.zeros(1, dtype=torch.int64)
    with kernels.use(name):
        assert (
            kernels.delta_code(empty, torch.zeros(0, 3), torch.eye(5, 3), nothing, 0.1, empty).rows
            == 0
        )
        assert kernels.hysteresis(
            torch.zeros(0, dtype=torch.bool), support_of(empty), nothing
        ).shape == (0,)
