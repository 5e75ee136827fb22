"""Turnover, against sequences whose codes are known."""

import pytest
import torch

import sparsetime as st
from sparsetime.claims.lab.code_changes import code_changes


@pytest.fixture
def plain():
    """A dictionary that codes a positive activation as itself."""
    sae = st.compose(d_in=3, width=3, sparsifier={"kind": "top_k", "k": 3})
    with torch.no_grad():
        sae.decoder.weight.copy_(torch.eye(3))
        sae.encoder.weight.copy_(torch.eye(3))
    return sae


def test_flips_and_changes_by_hand(plain):
    one = torch.tensor([[1.0, 0.0, 2.0], [1.0, 3.0, 0.0], [1.0, 4.0, 0.0]])
    other = torch.tensor([[5.0, 0.0, 0.0]])
    found = code_changes(plain, [one, other])
    assert found.fvu == pytest.approx(0, abs=1e-9)
    assert found.l0 == pytest.approx(7 / 4)
    assert found.flips == pytest.approx(2 / 2), "one on, one off, then none, over two steps"
    assert found.changes == pytest.approx(3 / 2), "and one strength that moves"
    first = code_changes(plain, [one, other], latents=1)
    assert (first.l0, first.flips, first.changes) == (1, 0, 0)


def test_fvu_is_one_where_the_mean_is_all_that_is_given(plain):
    x = torch.rand(50, 3)
    with torch.no_grad():
        plain.encoder.weight.zero_()
        plain.decoder.bias.copy_(x.mean(0))
    assert code_changes(plain, [x]).fvu == pytest.approx(1, rel=1e-5)
