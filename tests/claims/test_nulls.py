"""Nulls that claims share: what they take away of a training, and what they leave."""

import pytest
import torch
from planted import planted

from sparsetime.claims.claim import UNTRAINED, Lab, Replaced
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.errors import ConfigError, DataError

ROWS = {"rows": 2000, "seed": 0, "batch": 100}


def small(name="topk", **settings):
    return dictionary(name, d_in=16, width=32, k=3, **settings)


def test_an_untrained_dictionary_has_a_scale_and_random_atoms():
    x = 5 * planted(500)
    sae, start = small(), small()
    Lab().under(UNTRAINED).train(sae, x, **ROWS)
    torch.testing.assert_close(sae.atoms, start.atoms, rtol=0, atol=1e-6)
    assert sae.normalisation.scale > 2
    assert sae.encode(x).counts.unique().tolist() == [3]


def test_batches_of_an_iterator_keep_their_size_without_training():
    sae = small()
    Lab().under(UNTRAINED).train(sae, iter([planted(100)]), **ROWS)
    torch.testing.assert_close(sae.atoms, small().atoms, rtol=0, atol=1e-6)


def test_stages_of_an_untrained_dictionary_are_as_many():
    x = planted(500)
    stages = Lab().under(UNTRAINED).train_with_snapshots(small(), x, **ROWS, snapshots=2)
    assert len(stages) == 3
    for stage in stages.values():
        torch.testing.assert_close(stage.atoms, small().atoms, rtol=0, atol=1e-6)


def test_no_coefficient_is_searched_without_training():
    x = planted(500)
    lab, target = Lab(), 1e6  # that no coefficient gives

    def made(l1):
        return dictionary("relu_l1", d_in=16, width=32, l1=l1)

    found = lab.under(UNTRAINED).match_l0(made, target, x, x, rows=200, low=0.1, high=0.4)
    assert found == pytest.approx(0.2)
    with pytest.raises(DataError, match="no coefficient between"):
        lab.match_l0(made, target, x, x, rows=200, low=0.1, high=0.4)


def test_a_replaced_recipe_trains_as_the_other():
    x = planted(500)
    expected = Lab().train(small(), x, **ROWS)
    sae = small("batch_topk")
    under = Lab().under(Replaced("batch_topk", by="topk"))
    assert under.train(sae, x, **ROWS) is sae
    assert sae.name == "topk"
    assert torch.equal(sae.atoms, expected.atoms)
    other = small("abs_topk")
    under.train(other, x, **ROWS)
    assert other.name == "abs_topk"


def test_a_null_is_the_same_check_in_the_same_file():
    def check(lab, seed):
        """The check."""
        sae = small()
        lab.train(sae, planted(500), **ROWS)
        return {"moved": float((sae.atoms - small().atoms).detach().abs().max())}

    null = UNTRAINED.of(check)
    assert (null.__module__, null.__doc__) == (check.__module__, check.__doc__)
    lab = Lab()
    assert check(lab, 0)["moved"] > 1e-3 > 1e-6 > null(lab, 0)["moved"]
    assert lab.trained == {"topk"}  # also of what the null trained


def test_a_null_that_reaches_no_training_is_refused():
    null = UNTRAINED.of(lambda lab, seed: {"one": 1.0})
    with pytest.raises(ConfigError, match="so that the null changed nothing; train with"):
        null(Lab(), 0)
