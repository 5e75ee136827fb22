"""AUROC of the best single feature for a class, chosen on one split and tested on another."""

import pytest
import torch

from sparsetime.activations.capture.capture import capture
from sparsetime.activations.capture.document import Document
from sparsetime.claims.lab.best_single_feature import auroc_per_feature, best_single_feature_auroc
from sparsetime.claims.lab.splits import Splits
from sparsetime.errors import DataError
from sparsetime.testbeds import base


def test_an_area_is_the_share_of_pairs_in_which_the_feature_is_larger():
    features = torch.tensor([[0.0, 3.0, 1.0], [0.0, 2.0, 1.0], [1.0, 1.0, 1.0], [2.0, 0.0, 1.0]])
    classes = torch.tensor([[False, True], [False, False], [True, False], [True, True]])
    assert auroc_per_feature(features, classes).tolist() == [[1.0, 0.625], [0.0, 0.5], [0.5, 0.5]]
    random = torch.Generator().manual_seed(0)
    x, y = torch.rand((40, 3), generator=random).round(decimals=1), torch.arange(40) % 3 == 0
    pairs = x[y][:, None] - x[~y][None]
    expected = ((pairs > 0).float() + (pairs == 0) / 2).mean((0, 1))
    assert torch.allclose(auroc_per_feature(x, y[:, None])[:, 0], expected)


def test_a_class_without_rows_or_with_all_of_them_has_no_area():
    with pytest.raises(DataError, match=r"of 3 rows, the classes have \[3\]; a class needs rows"):
        auroc_per_feature(torch.rand(3, 2), torch.ones(3, 1, dtype=torch.bool))


def test_the_feature_is_chosen_in_one_part_and_tested_in_the_other():
    y = (torch.arange(100) % 4 == 0)[:, None]
    on, noise = y.float(), torch.rand((100, 1), generator=torch.Generator().manual_seed(0))
    low = torch.cat([noise, -on], dim=1)  # of which the second is low for the class
    assert best_single_feature_auroc(low, y, low, y).tolist() == [1.0]
    turned = torch.cat([on, on], dim=1)  # the second one now says the opposite
    assert best_single_feature_auroc(low, y, turned, y).tolist() == [0.0]
    assert best_single_feature_auroc(low, y, torch.cat([on, noise], dim=1), y)[0] < 0.7


def test_rows_apart_in_time_hold_out_what_the_label_says(tmp_path):
    texts = [
        Document(str(i), values=torch.full((4, 2), float(i)), labels={"held_out": i % 3 == 0})
        for i in range(12)
    ]
    store = capture(torch.nn.Identity(), texts, ".", tmp_path / "s", progress=False)
    rows = Splits.by_held_out_label(base.Testbed("toy", store, ()))
    assert set(rows.held_out[:, 0].tolist()) == {0, 3, 6, 9}
    assert {*rows.train[:, 0].tolist(), *rows.tuning[:, 0].tolist()} == {1, 2, 4, 5, 7, 8, 10, 11}
