"""SynthSAEBench: tree, frequencies, correlations, rows by number, scores."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.special import ndtri
from scipy.stats import multivariate_normal

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.testbeds import (
    SynthSAEBench,
    SynthSAEBenchRows,
    SynthSAEBenchSettings,
    synthsaebench_scores,
)
from sparsetime.testbeds.synthsaebench import feature_vectors as vectors_module
from sparsetime.testbeds.synthsaebench.feature_tree import (
    compensated_frequencies,
    feature_tree,
    zipf_frequencies,
)

SMALL = {
    "features": 60,
    "d": 24,
    "roots": 3,
    "branching": 3,
    "depth": 2,
    "lowest_frequency": 0.02,
    "correlation_rank": 2,
    "orthogonalise_steps": 20,
}
ROWS = 64 * 1024


@pytest.fixture(scope="module")
def independent() -> SynthSAEBench:
    """Without correlations, and with values that are never below zero."""
    return SynthSAEBench(
        SynthSAEBenchSettings(**SMALL, correlation_scale=0, mean_spread=0.1, spread_spread=0)
    )


@pytest.fixture(scope="module")
def active(independent: SynthSAEBench) -> np.ndarray:
    """Activation values [rows, features]."""
    blocks = range(ROWS // 1024)
    return torch.cat([independent.code(block).dense() for block in blocks]).numpy()


def test_children_follow_their_parents_level_by_level() -> None:
    tree = feature_tree(SynthSAEBenchSettings(**SMALL))
    assert tree.parent[:3].tolist() == [-1] * 3
    assert tree.parent[3:12].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert tree.parent[12:39].tolist() == np.repeat(np.arange(3, 12), 3).tolist()
    assert tree.parent[39:].tolist() == [-1] * 21
    for parent in range(12):
        first, number = tree.first_child[parent], tree.children[parent]
        assert tree.parent[first : first + number].tolist() == [parent] * 3
    assert tree.children[12:].sum() == 0


def test_trees_end_where_features_do() -> None:
    tree = feature_tree(SynthSAEBenchSettings(**SMALL | {"features": 8}))
    assert tree.parent.tolist() == [-1, -1, -1, 0, 0, 0, 1, 1]
    assert tree.children.tolist() == [3, 2, 0, 0, 0, 0, 0, 0]


def test_published_sizes() -> None:
    settings = SynthSAEBenchSettings()
    tree, frequencies = feature_tree(settings), zipf_frequencies(settings)
    assert (tree.parent >= 0).sum() == 128 * (4 + 16 + 64)
    assert frequencies[[0, -1]] == pytest.approx([0.4, 5e-4])
    assert (np.diff(frequencies) < 0).all()


def test_compensation_by_hand() -> None:
    tree = feature_tree(SynthSAEBenchSettings(**SMALL | {"features": 8}))
    frequencies = np.array([0.4, 0.3, 0.2, 0.1, 0.08, 0.06, 0.05, 0.04])
    drawn = compensated_frequencies(frequencies, tree)
    assert drawn[:3].tolist() == [0.4, 0.3, 0.2]
    assert drawn[3] == pytest.approx(0.1 / 0.4 * (1 + (0.08 + 0.06) / 0.4))
    assert drawn[7] == pytest.approx(0.04 / 0.3 * (1 + 0.05 / 0.3))
    often = compensated_frequencies(np.array([0.4, 0.3, 0.2, *[0.19] * 5]), tree)
    assert often[3] == pytest.approx(0.92625) and often[6] == 1.0


def test_children_only_under_their_parent_and_one_at_a_time(
    independent: SynthSAEBench, active: np.ndarray
) -> None:
    parent = independent.tree.parent
    child = np.flatnonzero(parent >= 0)
    assert not (active[:, child] > 0)[active[:, parent[child]] == 0].any()
    for one in np.unique(parent[child]):
        assert (active[:, parent == one] > 0).sum(axis=1).max() == 1


def test_frequencies_are_exact(independent: SynthSAEBench, active: np.ndarray) -> None:
    tree = independent.tree
    drawn = independent.drawn
    exact = drawn.copy()
    for parent in range(12):
        family = np.flatnonzero(tree.parent == parent)
        stays = np.zeros(3)
        for subset in itertools.product([False, True], repeat=3):
            mask = np.array(subset)
            chance = np.where(mask, drawn[family], 1 - drawn[family]).prod()
            stays += chance * mask / max(1, mask.sum())
        exact[family] = exact[parent] * stays
    share = (active > 0).mean(axis=0)
    deviation = np.sqrt(exact * (1 - exact) / ROWS)
    assert np.abs((share - exact) / deviation).max() < 4


def test_values_are_scaled_by_the_parent(independent: SynthSAEBench, active: np.ndarray) -> None:
    root, child = active[:, 0], active[:, 3]
    both = child > 0
    expected = np.linspace(5, 4, 60)
    assert root[root > 0].mean() == pytest.approx(expected[0], abs=0.01)
    ratio = child[both] / (root[both] / expected[0])
    assert ratio.mean() == pytest.approx(expected[3], abs=0.02)
    assert ratio.std() == pytest.approx(0.1, rel=0.1)
    assert np.corrcoef(ratio, root[both])[0, 1] == pytest.approx(0, abs=0.05)


def test_correlation_is_that_of_the_gaussian_copula() -> None:
    settings = SynthSAEBenchSettings(
        features=40, d=8, roots=0, correlation_scale=0.6, spread_spread=0, mean_spread=0.1
    )
    world = SynthSAEBench(settings)
    on = torch.cat([world.code(n).dense() for n in range(64)]).numpy() > 0
    common = world.factors
    assert np.square(common).sum(axis=1).max() == pytest.approx(0.99)
    limits = ndtri(zipf_frequencies(settings))
    worst = 0.0
    for a, b in [(0, 1), (0, 5), (3, 4), (10, 11), (20, 39)]:
        rho = common[a] @ common[b]
        joint = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([limits[a], limits[b]])
        share = (on[:, a] & on[:, b]).mean()
        worst = max(worst, abs(share - joint) / np.sqrt(joint * (1 - joint) / ROWS))
        assert abs(rho) > 0.01
    assert worst < 4


def test_blocks_are_functions_of_seed_part_and_number(independent: SynthSAEBench) -> None:
    twin = SynthSAEBench(independent.settings)
    one = independent.code(5)
    assert torch.equal(one.dense(), twin.code(5).dense())
    assert torch.equal(independent.activations(one), twin.activations(twin.code(5)))
    for other in (twin.code(6), twin.code(5, "held out")):
        assert not torch.equal(one.dense(), other.dense())
    moved = SynthSAEBench(independent.settings.model_copy(update={"seed": 1}))
    assert not torch.equal(one.dense(), moved.code(5).dense())


def test_activations_are_sums_of_vectors(independent: SynthSAEBench) -> None:
    code = independent.code(0)
    dense = code.dense() @ independent.vectors + independent.bias
    torch.testing.assert_close(independent.activations(code), dense)
    assert float(independent.bias.norm()) == pytest.approx(1)
    torch.testing.assert_close(independent.vectors.norm(dim=1), torch.ones(60))


def test_rows_of_a_row_ascend(independent: SynthSAEBench) -> None:
    code = independent.code(1)
    steps = code.indices.diff()
    within = code.row_of_entry.diff() == 0
    assert (steps[within] > 0).all()


def test_descent_has_the_gradient_of_its_sum_and_lowers_cosines() -> None:
    generator = seeds.torch_generator(0, "random inputs")
    vectors = torch.randn(7, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    products = vectors @ vectors.T
    off = products - products.diag().diag()
    total = off.square().sum() + 7 * (products.diag() - 1).square().sum()
    total.backward()
    torch.testing.assert_close(vectors_module._gradient(vectors.detach()), vectors.grad)

    def mean_square_cosine(steps: int) -> float:
        settings = SynthSAEBenchSettings(**SMALL | {"orthogonalise_steps": steps})
        chosen = vectors_module.feature_vectors(settings)
        return float(((chosen @ chosen.T).square().sum() - 60) / (60 * 59))

    assert mean_square_cosine(100) < 0.97 * mean_square_cosine(0)


def test_rows_come_in_one_order_whatever_the_batch(independent: SynthSAEBench) -> None:
    source = SynthSAEBenchRows(independent, 2500)
    whole = torch.cat(list(source.rows(2500)))
    assert whole.shape == (2500, 24)
    torch.testing.assert_close(whole[:1024], independent.activations(independent.code(0)))
    assert torch.equal(torch.cat(list(source.rows(700))), whole)
    assert [len(rows) for rows in source.rows(700)] == [700, 700, 700, 400]
    twice = torch.cat(list(source.rows(999, epochs=2)))
    assert torch.equal(twice, torch.cat([whole, whole]))


@pytest.mark.parametrize("skip", [1, 2, 3, 5])
def test_skipped_batches_are_those_that_come_first(independent: SynthSAEBench, skip: int) -> None:
    source = SynthSAEBenchRows(independent, 2500)
    endless = source.rows(900, epochs=None)
    batches = [next(endless) for _ in range(7)]
    later = source.rows(900, epochs=None, skip=skip)
    for batch in batches[skip:]:
        assert torch.equal(next(later), batch)


def test_rows_have_no_order_of_time(independent: SynthSAEBench) -> None:
    source = SynthSAEBenchRows(independent, 100)
    with pytest.raises(DataError, match="pairs need the order of time"):
        source.pairs(10)
    with pytest.raises(DataError, match="windows need the order of time"):
        source.windows(10, 4)
    with pytest.raises(
        ConfigError, match="got batch=0, expected a number of samples of at least 1"
    ):
        source.rows(0)
    with pytest.raises(ConfigError, match="got 0 rows of SynthSAEBench, expected at least 1"):
        SynthSAEBenchRows(independent, 0)


def test_fingerprints_differ_by_what_decides_the_rows(independent: SynthSAEBench) -> None:
    moved = SynthSAEBench(independent.settings.model_copy(update={"seed": 1}))
    sources = [
        SynthSAEBenchRows(independent, 100),
        SynthSAEBenchRows(independent, 101),
        SynthSAEBenchRows(independent, 100, "held out"),
        SynthSAEBenchRows(moved, 100),
    ]
    assert len({source.fingerprint for source in sources}) == 4
    again = SynthSAEBenchRows(independent, 100)
    assert again.fingerprint == sources[0].fingerprint


def test_scores_are_those_of_dense_arithmetic(independent: SynthSAEBench, tmp_path) -> None:
    source = SynthSAEBenchRows(independent, 25_000)
    sae = st.dictionary("topk", d_in=24, width=40, k=6)
    sae = st.train(sae, source, out=tmp_path / "run", rows=25_000, batch=250, show=False).dictionary
    scores = synthsaebench_scores(sae, independent, rows=3000)
    truths = [independent.code(block, "held out") for block in range(3)]
    truth = torch.cat([code.dense() for code in truths]) > 0
    x = torch.cat([independent.activations(code) for code in truths])
    fires = sae.encode(x).dense() != 0
    cosines = torch.nn.functional.normalize(sae.atoms) @ independent.vectors.T
    nearest = cosines.abs().argmax(dim=1)
    hits = (fires & truth[:, nearest]).sum(dim=0).float()
    precision = (hits / fires.sum(dim=0)).nan_to_num(0)
    recall = (hits / truth[:, nearest].sum(dim=0)).nan_to_num(0)
    f1 = (2 * precision * recall / (precision + recall)).nan_to_num(0)
    assert scores.f1 == pytest.approx(float(f1.mean()), abs=1e-6)
    assert scores.precision == pytest.approx(float(precision.mean()), abs=1e-6)
    assert scores.recall == pytest.approx(float(recall.mean()), abs=1e-6)
    fvu = (x - sae(x).detach()).square().sum() / (x - x.mean(dim=0)).square().sum()
    assert scores.fvu == pytest.approx(float(fvu), rel=1e-4)
    assert scores.l0 == pytest.approx(float(fires.float().sum(dim=1).mean()))
    assert scores.true_l0 == pytest.approx(float(truth.float().sum(dim=1).mean()))
    assert scores.dead == int((~fires.any(dim=0)).sum())
    assert scores.uniqueness == len(set(nearest.tolist())) / 40
    # Trained on the world, against the same dictionary as it was before training.
    untrained = st.dictionary("topk", d_in=24, width=40, k=6)
    assert scores.f1 > 0.1 + synthsaebench_scores(untrained, independent, rows=3000).f1


def test_scores_refuse_another_width(independent: SynthSAEBench) -> None:
    sae = st.dictionary("topk", d_in=8, width=16, k=2)
    with pytest.raises(MismatchError, match="got atoms of width 8, expected 24"):
        synthsaebench_scores(sae, independent)


def test_settings_that_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="got 9 roots and 8 features"):
        SynthSAEBenchSettings(features=8, roots=9)
    with pytest.raises(ValueError, match="exchange them"):
        SynthSAEBenchSettings(highest_frequency=0.1, lowest_frequency=0.2)
