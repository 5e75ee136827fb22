"""A training that teaches nothing says so while it runs; one that teaches does not."""

import warnings

import pytest
from planted import planted

import sparsetime as st
from sparsetime.training.learning_check import LearningCheck

SETTINGS = {"rows": 120 * 64, "batch": 64, "show": False}


def check():
    return LearningCheck(st.dictionary("topk", d_in=16, width=48, k=3), steps=1000)


def test_a_training_that_fails_warns(tmp_path):
    """The penalty is far above the error that it is weighed against."""
    sae = st.dictionary("relu_l1", d_in=16, width=48, l1=100.0)
    with pytest.warns(UserWarning, match="'relu_l1' has almost no active latents"):
        st.train(sae, planted(800), out=tmp_path, **SETTINGS)


@pytest.mark.parametrize(
    ("fvu", "l0", "text"),
    [
        (0.99, 3.0, r"explains almost nothing \(FVU 0.99, mean L0 3 of 48 latents\)"),
        (0.99, 0.01, "has almost no active latents"),
        (0.10, 46.0, "has almost all latents active, so its code is not sparse"),
    ],
)
def test_two_bad_lines_late_in_training_are_a_failure(fvu, l0, text):
    one = check()
    for progress in (0.1, 0.2, 0.3, 0.61):
        one.observe(progress, fvu, l0)
    with pytest.warns(UserWarning, match=text):
        one.observe(0.63, fvu, l0)
    one.observe(0.64, fvu, l0)  # once


def test_one_bad_line_is_no_failure():
    one = check()
    for fvu in (0.99, 0.2, 0.99, 0.2):
        one.observe(0.9, fvu=fvu, l0=3.0)


def test_a_loss_of_a_model_is_not_judged_by_the_error():
    one = LearningCheck(st.dictionary("end_to_end", d_in=16, width=48, k=3), steps=1000)
    for _ in range(5):
        one.observe(0.9, fvu=3.0, l0=3.0)


def test_a_training_that_learns_is_silent(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sae = st.dictionary("topk", d_in=16, width=48, k=3)
        st.train(sae, planted(800), out=tmp_path, **SETTINGS)
