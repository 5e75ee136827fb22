"""Rows of labelled texts: those of a massive norm are left out, and pooled by text."""

import numpy as np
import pytest
import torch
from golden.record import made

from sparsetime import seeds
from sparsetime.claims.lab.sentence_steering import (
    LabelledTexts,
    neutral_prompts,
    pooled_means,
    review_prompts,
    spread_of,
    usual_rows,
)


def test_rows_of_a_massive_norm_or_none_are_left_out():
    rows = torch.ones(6, 4)
    rows[1] *= 2.9
    rows[2] *= 3.1
    rows[3] = float("nan")
    assert usual_rows(rows).tolist() == [True, True, False, False, True, True]


def test_texts_are_chosen_by_table_and_label_and_their_codes_pooled():
    x = torch.randn(7, 16, generator=seeds.torch_generator(0, "random inputs"))
    texts = LabelledTexts(
        ("a", "b", "c", "d"),
        np.array(["reviews", "news", "reviews", "reviews"]),
        np.array(["1", "1", "0", "1"]),
        x,
        np.array([0, 0, 0, 1, 2, 2, 1])[[0, 1, 2, 3, 6, 4, 5]],
    )
    assert texts.of(["reviews"]).tolist() == [0, 2]  # the last has no row
    assert texts.of(["reviews"], "1").tolist() == [0]
    assert torch.equal(texts.rows_of(np.array([2])), x[5:])
    sae = made("topk")
    means = pooled_means(texts, sae, np.array([0, 2]))
    assert np.allclose(means[0], sae.encode(x[:3]).dense().mean(0), atol=1e-6)
    assert np.allclose(means[1], sae.encode(x[5:]).dense().mean(0), atol=1e-6)
    assert np.array_equal(pooled_means(texts, sae, np.array([2, 0, 2])), means[[1, 0, 1]])


def test_the_spread_is_the_distance_from_the_mean():
    rows = torch.tensor([[3.0, 0], [-3, 0], [0, 4], [0, -4]]) + 7
    assert spread_of(rows) == pytest.approx((25 / 2) ** 0.5)


def test_prompts_are_different_and_of_equal_length():
    for make, count in ((review_prompts, 36), (neutral_prompts, 24)):
        prompts = make(count, seeds.numpy_generator(0, "random choice"))
        assert len(set(prompts)) == count
        assert all(len(prompt.split()) == 5 for prompt in prompts)
