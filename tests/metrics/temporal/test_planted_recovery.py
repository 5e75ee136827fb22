"""Planted features, their dwell, their hierarchy, and who absorbs whom."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from chains import as_code, two_state

from sparsetime.errors import DataError, MismatchError
from sparsetime.metrics.temporal.hierarchy import hierarchy
from sparsetime.metrics.temporal.planted_absorption import planted_absorption
from sparsetime.metrics.temporal.planted_recovery import planted_recovery
from sparsetime.testbeds.atom_recovery import recovery
from sparsetime.testbeds.synthetic.generate import synthetic_data
from sparsetime.testbeds.synthetic.settings import SyntheticSettings

STAYS = (0.5, 0.8, 0.9, 0.97)
ORDER = [2, 0, 3, 1]  # learnt latent n is true feature ORDER[n]


def match(learnt=ORDER, true=4):
    return recovery(torch.eye(true)[list(learnt)], torch.eye(true))


@pytest.fixture(scope="module")
def chains():
    rng = np.random.default_rng(0)
    return [two_state(rng, s, 0.9, 20, 400) for s in STAYS]


def test_a_code_that_is_the_truth_in_another_order(chains):
    code = as_code(*(2.0 * chains[n] for n in ORDER))
    found = planted_recovery(code, as_code(*chains), match())
    assert found.recovered.value == 1
    assert found.dwell == pytest.approx(found.true_dwell)
    assert found.dwell == pytest.approx(1 / (1 - np.array(STAYS)), rel=0.25)
    assert found.dwell_agreement.value == pytest.approx(1)
    assert found.firing.value == 1 and found.firing.null < 0.7
    octaves = found.by_octave()
    assert [(low, many) for low, many, _ in octaves[1:]] == [(4, 1), (8, 1), (32, 1)]
    assert all(share == 1 for _, _, share in octaves)


def test_a_code_that_flickers_is_found_but_does_not_last(chains):
    rng = np.random.default_rng(1)
    on = [chains[n] & (rng.random((20, 400)) < 0.5) for n in ORDER]
    found = planted_recovery(as_code(*on), as_code(*chains), match())
    assert found.recovered.value == 1
    assert (found.dwell < 2.1).all()
    # Half of the steps, all of them right: F1 = 2 / 3.
    assert found.f1 == pytest.approx([2 / 3] * 4, abs=0.05)


def test_a_feature_without_a_match_is_unknown(chains):
    code = as_code(*(chains[n] for n in ORDER[:3]))
    found = planted_recovery(code, as_code(*chains), match(ORDER[:3]))
    assert found.found.tolist() == [True, False, True, True]
    assert np.isnan(found.dwell[1]) and np.isnan(found.f1[1])
    assert found.recovered.value == 0.75
    assert {round(share, 2) for _, _, share in found.by_octave()} == {0.0, 1.0}


def test_too_few_recovered_features_are_refused(chains):
    code, truth = as_code(*chains), as_code(*chains)
    none = recovery(torch.ones(4, 4), torch.eye(4))
    with pytest.raises(DataError, match=r"0 planted features are recovered .* from three on"):
        planted_recovery(code, truth, none)
    with pytest.raises(MismatchError, match="the match is of 3 true features with latents up to 2"):
        planted_recovery(code, truth, recovery(torch.eye(3), torch.eye(3)))
    with pytest.raises(MismatchError, match="has 4,000 steps and the true code 8,000"):
        planted_recovery(as_code(*(c[:10] for c in chains)), truth, match())


@pytest.fixture(scope="module")
def family():
    """Two parents, each with a child that is on 40% of the time that its parent is."""
    rng = np.random.default_rng(2)
    parents = [two_state(rng, 0.9, 0.9, 20, 400) for _ in range(2)]
    children = [p & (rng.random(p.shape) < 0.4) for p in parents]
    return [*parents, *children], np.array([-1, -1, 0, 1])


def test_the_hierarchy_of_the_truth_is_whole(family):
    features, parents = family
    found = hierarchy(as_code(*features), as_code(*features), match(range(4)), parents)
    assert found.score.value == pytest.approx(found.truth)
    assert found.truth == pytest.approx(1)
    assert found.contained.value == 1
    # The other parent is on half of the time, the other child a fifth.
    assert found.contained.null == pytest.approx(0.35, abs=0.06)
    assert found.children == 2
    none = planted_absorption(as_code(*features), as_code(*features), match(range(4)), parents)
    assert none.rate.value == none.rate.null == 0


def test_absorption_by_hand(family):
    # The first parent's latent is silent wherever its child speaks; the second's never.
    features, parents = family
    first, second, one, two = features
    code = as_code(first & ~one, second, one, two)
    found = planted_absorption(code, as_code(*features), match(range(4)), parents)
    assert found.by_pair.tolist() == [1, 0]
    assert found.child.tolist() == [2, 3] and found.parent.tolist() == [0, 1]
    assert found.rate.value == pytest.approx(one.sum() / (one.sum() + two.sum()))
    assert found.rate.null == 0 and found.rate.beyond_null
    assert hierarchy(code, as_code(*features), match(range(4)), parents).contained.value == 0.5


def test_a_parent_that_is_often_silent_is_not_absorbed(family):
    rng = np.random.default_rng(3)
    features, parents = family
    dull = [p & (rng.random(p.shape) < 0.7) for p in features[:2]]
    found = planted_absorption(
        as_code(*dull, *features[2:]), as_code(*features), match(range(4)), parents
    )
    assert found.rate.value == pytest.approx(0.3, abs=0.03)
    assert found.rate.null == pytest.approx(0.3, abs=0.03)
    assert found.null_by_pair == pytest.approx(found.by_pair, abs=0.05)


def test_siblings_that_absorb_too_do_not_hide_it():
    """Two children of one parent, whose latent is silent wherever one of them speaks."""
    rng = np.random.default_rng(4)
    parent = two_state(rng, 0.9, 0.9, 20, 400)
    one, two = (parent & (rng.random(parent.shape) < 0.5) for _ in range(2))
    truth = as_code(parent, one, two)
    found = planted_absorption(
        as_code(parent & ~one & ~two, one, two), truth, match(range(3), 3), np.array([-1, 0, 0])
    )
    assert found.rate.value == 1
    assert found.rate.null == 0


def test_a_child_that_is_often_silent_absorbs_as_seldom_by_chance():
    """Both latents fire on half of their steps, without regard for each other."""
    rng = np.random.default_rng(5)
    parent = two_state(rng, 0.9, 0.9, 20, 400)
    child = parent & (rng.random(parent.shape) < 0.5)
    halves = [on & (rng.random(on.shape) < 0.5) for on in (parent, child)]
    found = planted_absorption(
        as_code(*halves), as_code(parent, child), match(range(2), 2), np.array([-1, 0])
    )
    assert found.rate.value == pytest.approx(0.25, abs=0.03)
    assert found.rate.null == pytest.approx(0.25, abs=0.03)
    assert not found.rate.beyond_null


def test_families_that_were_not_found_are_refused(family):
    features, _ = family
    code = as_code(*features)
    with pytest.raises(DataError, match="of 0 children none is recovered together with its parent"):
        hierarchy(code, code, match(range(4)), np.full(4, -1))
    with pytest.raises(DataError, match="there are parents of 2 features and 4 true features"):
        planted_absorption(code, code, match(range(4)), np.array([-1, 0]))


def test_the_true_code_recovers_itself():
    settings = SyntheticSettings(sequences=20, time=1000, longest=100.0)
    played = synthetic_data(settings)
    same = recovery(played.atoms, played.atoms)
    found = planted_recovery(played.code, played.code, same)
    assert found.recovered.value == found.firing.value == 1
    parents = np.array(played.features["parent"].to_pylist())
    tree = hierarchy(played.code, played.code, same, parents)
    assert tree.children == 24
    assert tree.truth > 0.95 and tree.contained.value == 1
    assert tree.contained.beyond_null
