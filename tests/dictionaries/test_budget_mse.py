"""Reconstructions by the strongest few latents, on codes made by hand."""

import pytest
import torch

import sparsetime as st
from sparsetime.dictionaries.objectives import MSE
from sparsetime.dictionaries.objectives.multi_k_mse import MultiKMSE
from sparsetime.dictionaries.sparsifiers import TopK
from sparsetime.errors import ConfigError
from sparsetime.kernels import Support, row_ranks


def test_ranks_are_within_rows_and_the_first_of_equal_ones_comes_first():
    support = Support(torch.tensor([0, 3, 3, 5]), torch.tensor([0, 1, 2, 0, 4]), 5)
    values = torch.tensor([1.0, 3.0, 1.0, 0.5, 7.0])
    assert row_ranks(values, support).tolist() == [1, 0, 2, 1, 0]


def axes(k, **settings):
    """A dictionary whose atoms and encoder are the axes of four dimensions."""
    sae = st.compose(
        d_in=4,
        width=4,
        sparsifier={"kind": "top_k", "k": k},
        objective={"kind": "budget_mse", **settings},
    )
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(4))
        sae.decoder.weight.copy_(torch.eye(4))
    return sae


def test_every_budget_leaves_over_what_it_does_not_hold():
    x = torch.tensor([[1.0, 4.0, 2.0, 3.0], [0.0, 0.0, 2.0, 0.0]])
    sae = axes(3, budgets=[1, 2])
    step, (term,) = sae.forward_train(x), sae.objective.members
    # Left over: 1, 2, 3 of the first row, then 1, 2, then 1; of the second row nothing.
    assert term.loss(step).item() == pytest.approx(((14 + 5 + 1) / 2) / 3)
    weighed = MultiKMSE([1, 2], emphasis=[2, 1, 1])
    assert weighed.loss(step).item() == pytest.approx((2 * 14 + 5 + 1) / 2 / 4)
    found = term.reconstructions(step)[0].tolist()
    assert found == [[0, 4, 0, 0], [0, 4, 0, 3], [0, 4, 2, 3]]


def test_the_whole_code_is_the_last_budget():
    sae = st.dictionary("msae", d_in=6, width=24, k=5)
    step = sae.forward_train(torch.randn(40, 6, generator=torch.Generator().manual_seed(1)))
    term = sae.objective.members[0]
    torch.testing.assert_close(term.reconstructions(step)[:, -1], step.reconstruction)
    torch.testing.assert_close(MultiKMSE([5]).loss(step), MSE().loss(step))


@pytest.mark.parametrize("name", ["hierarchical_topk", "msae"])
def test_another_sparsifier_makes_the_same_dictionary_sparser(name, tmp_path):
    sae = st.dictionary(name, d_in=6, width=24, k=5)
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(1))
    sae.sparsifier = TopK(2)
    sae.save(tmp_path)
    assert sae.encode(x).counts.max() == 2
    assert torch.equal(st.load(tmp_path).encode(x).indices, sae.encode(x).indices)


def test_a_k_of_one_has_one_budget():
    assert st.dictionary("hierarchical_topk", d_in=4, width=8, k=1).objective.members[0].kind == (
        "mse"
    )


def test_budgets_must_ascend_and_emphasis_must_fit():
    with pytest.raises(
        ConfigError, match=r"got budgets=\[2, 2\], expected ascending numbers of latents"
    ):
        MultiKMSE([2, 2])
    with pytest.raises(ConfigError, match="for each of the 2 budgets and one for the whole code"):
        MultiKMSE([1, 2], emphasis=[1, 1])
