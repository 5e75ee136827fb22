"""The lab: its data are split, its trainings leave nothing, its search stays off reported seeds."""

import tempfile

import pytest
import torch
from planted import planted as small_rows
from small_store import write_store
from torch import nn

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.claims.lab.lab import Lab
from sparsetime.claims.lab.match_l0 import search_coefficient
from sparsetime.claims.lab.planted_features import planted_features
from sparsetime.claims.lab.row_metrics import density
from sparsetime.claims.lab.splits import Splits
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.errors import ConfigError, DataError
from sparsetime.metrics.evaluate import evaluate
from sparsetime.testbeds import base


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    out = tmp_path_factory.mktemp("store") / "activations"
    return Splits.by_document(base.Testbed("toy", write_store(out, [3, 5, 1, 4, 6, 2, 4, 3]), ()))


def numbers(x):
    """Row r of the small store begins with the number r."""
    return {int(row[0]) for row in x}


def test_rows_are_in_three_parts_without_a_common_row(rows):
    parts = [numbers(part) for part in (rows.train, rows.tuning, rows.held_out)]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == 28
    assert numbers(rows.train) == {
        first + step
        for first, length in zip(
            rows.train_store.first_rows, rows.train_store.segments.lengths, strict=True
        )
        for step in range(length)
    }


def test_pairs_are_neighbours_of_one_document(rows):
    pairs = rows.train_pairs
    assert torch.equal(pairs[:, 1, 0], pairs[:, 0, 0] + 1)
    store = rows.train_store
    assert len(pairs) == int((store.segments.lengths - 1).sum())
    assert numbers(pairs[:, 1]).isdisjoint(store.first_rows.tolist())
    assert len(rows.held_out_pairs) == int((rows.held_out_store.segments.lengths - 1).sum())


def test_planted_rows_are_their_codes_times_the_atoms():
    data = planted_features(3, sequences=10, time=50, noise=0.0)
    assert data.train.shape == (400, data.d)
    assert data.held_out.shape == (100, data.d)
    for rows, code in ((data.train, data.train_code), (data.held_out, data.held_out_code)):
        assert torch.allclose(code.dense() @ data.atoms, rows, atol=1e-4)
    assert data.recovery(data.atoms).share_recovered == 1


def test_planted_rows_follow_from_the_seed():
    small = {"sequences": 5, "time": 20}
    assert torch.equal(planted_features(1, **small).train, planted_features(1, **small).train)
    assert not torch.equal(planted_features(1, **small).train, planted_features(2, **small).train)


def test_planted_settings_are_checked():
    with pytest.raises(ConfigError, match="unknown key 'noize'; did you mean 'noise'"):
        planted_features(0, noize=1.0)
    with pytest.raises(ConfigError, match="got sequences=4, expected at least 5"):
        planted_features(0, sequences=4)


@pytest.fixture(scope="module")
def trained():
    x = small_rows(3000)
    sae = dictionary("topk", d_in=16, width=64, k=3, seed=0)
    return Lab().train(sae, x[:2000], rows=4000, seed=0), x[2000:]


def test_a_training_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Lab().train(dictionary("topk", d_in=16, width=32, k=3), small_rows(500), rows=500, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_a_training_follows_from_its_seeds(trained):
    x = small_rows(3000)[:2000]
    again = dictionary("topk", d_in=16, width=64, k=3, seed=0)
    assert torch.equal(Lab().train(again, x, rows=4000, seed=0).atoms, trained[0].atoms)
    other = dictionary("topk", d_in=16, width=64, k=3, seed=0)
    assert not torch.equal(Lab().train(other, x, rows=4000, seed=1).atoms, trained[0].atoms)


def test_a_training_can_be_looked_at_on_its_way(trained):
    sae, x = trained
    again = dictionary("topk", d_in=16, width=64, k=3, seed=0)
    learnt_from = small_rows(3000)[:2000]
    stages = Lab().train_with_snapshots(again, learnt_from, rows=4000, seed=0, snapshots=2)
    assert list(stages) == [256, 1024, 4096]
    assert torch.equal(stages[4096].atoms, sae.atoms)
    errors = [Lab().fvu(stage, x) for stage in stages.values()]
    assert errors == sorted(errors, reverse=True)


def test_values_are_those_of_evaluate(trained, tmp_path):
    sae, x = trained
    document = Document("rows", values=x)
    store = capture(nn.Identity(), [document], ".", tmp_path / "store", progress=False)
    report = evaluate(sae, store, metrics=["fvu", "l0", "dead"], progress=False)
    lab = Lab()
    assert lab.fvu(sae, x) == pytest.approx(report["fvu"].value, rel=1e-4)
    assert lab.l0(sae, x) == pytest.approx(report["l0"].value)
    assert lab.dead_share(sae, x) == pytest.approx(report["dead"].value)
    assert lab.l0(sae, x) == pytest.approx(float(density(sae, x).sum()))


def test_the_error_of_a_transcoder_is_that_of_its_target():
    x = torch.eye(4).repeat(8, 1)
    transcoder = dictionary("transcoder", d_in=4, width=8, k=2)
    lab = Lab()
    guess = transcoder(x).detach()
    assert lab.fvu(transcoder, x, guess) == pytest.approx(0, abs=1e-9)
    assert lab.fvu(transcoder, x, guess.mean(0) + 2 * (guess - guess.mean(0))) == pytest.approx(
        0.25, rel=1e-4
    )


def test_a_falling_and_a_rising_count_are_bisected():
    assert search_coefficient(lambda c: 4 / c, 32, 0.01, 1.0) == pytest.approx(0.125, rel=0.03)
    assert search_coefficient(lambda c: 400 * c, 32, 0.01, 1.0) == pytest.approx(0.08, rel=0.03)


def test_no_more_is_tried_than_asked_for():
    tried = []
    search_coefficient(lambda c: tried.append(c) or 4 / c, 32, 0.001, 1.0, tolerance=1e-9, tries=4)
    assert len(tried) == 6  # the two ends, and four


def test_a_target_out_of_reach_says_what_was_reached():
    with pytest.raises(DataError, match=r"L0 of 500: it is 400\.0 at 0\.01 and 4\.0 at 1"):
        search_coefficient(lambda c: 4 / c, 500, 0.01, 1.0)


def test_the_coefficient_is_searched_on_the_tuning_seed_and_once(monkeypatch):
    lab = Lab()
    x = small_rows(2000)
    seeds = []

    def train(self, sae, data, *, rows, seed, **settings):
        seeds.append(seed)
        return sae

    def l0(sae, tuning):
        return 4 / sae.objective.members[1].weight

    monkeypatch.setattr(Lab, "train", train)
    monkeypatch.setattr(lab, "l0", l0)

    def make(l1):
        return dictionary("relu_l1", d_in=16, width=64, l1=l1)

    found = lab.match_l0(make, 32, x[:1000], x[1000:], rows=1000)
    assert found == pytest.approx(0.125, rel=0.03)
    assert set(seeds) == {Lab.tuning_seed}
    count = len(seeds)
    assert lab.match_l0(make, 32, x[:1000], x[1000:], rows=1000) == found
    assert len(seeds) == count
    assert lab.match_l0(make, 16, x[:1000], x[1000:], rows=1000) == pytest.approx(0.25, rel=0.03)
    assert len(seeds) > count


def test_what_never_fires_is_dead():
    sae = dictionary("relu_l1", d_in=16, width=8)
    with torch.no_grad():
        sae.encoder.bias[2:] = -1e6
        sae.encoder.bias[:2] = 1e6
    assert Lab().dead_share(sae, small_rows(50)) == 0.75
    assert Lab().l0(sae, small_rows(50)) == 2
