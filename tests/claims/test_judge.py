"""Expectations and the judge, on made-up values."""

import pytest

from sparsetime.claims.verdicts.expectations import AtLeast, AtMost, Less, Within
from sparsetime.claims.verdicts.judge import combine_verdicts, judge
from sparsetime.errors import ConfigError, DataError, UnknownNameError


def seeds(**values):
    return [dict(zip(values, one, strict=True)) for one in zip(*values.values(), strict=True)]


@pytest.mark.parametrize(
    ("expectation", "margin", "text"),
    [
        (Less("a", than="b"), 3, "a < b"),
        (Less("a", than="b", times=0.5), 0.5, "a < 0.5 x b"),
        (AtMost("a", than=1), -1, "a ≤ 1"),
        (AtMost("b", than="a", times=3), 1, "b ≤ 3 x a"),
        (AtLeast("b", than=4), 1, "b ≥ 4"),
        (AtLeast("a", than="b"), -3, "a ≥ b"),
        (Within("a", of="b", tolerance=0.5), -0.5, "a = b ± 50%"),
        (Within("b", of=4, tolerance=0.5), 1, "b = 4 ± 50%"),
    ],
)
def test_a_margin_is_how_much_there_is_to_spare(expectation, margin, text):
    assert expectation.margin({"a": 2.0, "b": 5.0}) == pytest.approx(margin)
    assert str(expectation) == text


def test_a_value_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match=r"unknown value 'FVU of TopKK': did you mean 'FVU"):
        Less("FVU of TopKK", than=1).margin({"FVU of TopK": 1.0})


def test_a_tolerance_is_a_share():
    with pytest.raises(
        ConfigError,
        match=r"got a relative tolerance of 5, expected .* between 0 and 1; write 0\.05",
    ):
        Within("a", of=1, tolerance=5)


def test_a_margin_above_its_error_in_every_seed_holds():
    found = judge(Less("a", than="b"), seeds(a=(1, 2, 3), b=(2, 3.1, 4.2)))
    assert found.margins == pytest.approx((1, 1.1, 1.2))
    assert (found.mean, found.error) == pytest.approx((1.1, 0.1 / 3**0.5))
    assert found.verdict == "holds"


def test_what_the_seeds_share_cancels():
    """The values spread by tens, their differences by hundredths."""
    found = judge(Less("a", than="b"), seeds(a=(10, 50, 90), b=(10.10, 50.12, 90.11)))
    assert found.verdict == "holds"


def test_a_reversal_in_every_seed_fails():
    assert judge(Less("a", than="b"), seeds(a=(2, 3, 4), b=(1, 1.9, 3))).verdict == "fails"
    assert judge(AtLeast("a", than=1), seeds(a=(0.1, 0.2, 0.15))).verdict == "fails"


@pytest.mark.parametrize("margins", [(1.0, 1.0, -0.1), (3.0, 2.0, 0.05), (-1.0, -1.0, 0.1)])
def test_seeds_that_disagree_or_hardly_agree_leave_it_undecided(margins):
    assert judge(AtLeast("a", than=0), seeds(a=margins)).verdict == "undecided"


def test_one_seed_in_five_may_disagree():
    four = (1.0, 1.1, 0.9, 1.0)
    assert judge(AtLeast("a", than=0), seeds(a=(*four, -0.1))).verdict == "holds"
    assert judge(AtLeast("a", than=0), seeds(a=(*four[:3], -0.1))).verdict == "undecided"


def test_equality_meets_what_allows_it_and_nothing_else():
    equal = seeds(a=(1, 1, 1), b=(1, 1, 1))
    assert judge(AtMost("a", than="b"), equal).verdict == "holds"
    assert judge(AtLeast("a", than="b"), equal).verdict == "holds"
    assert judge(Less("a", than="b"), equal).verdict == "fails"


def test_fewer_than_three_seeds_are_not_judged():
    with pytest.raises(DataError, match="got values of 2 seeds, expected at least 3 seeds"):
        judge(Less("a", than="b"), seeds(a=(1, 2), b=(2, 3)))


def test_a_value_that_is_no_number_is_not_judged():
    with pytest.raises(DataError, match=r"'a < 1' are .*nan.*Did a training diverge"):
        judge(Less("a", than=1), seeds(a=(0.0, float("nan"), 0.0)))


def test_a_claim_holds_when_all_holds_and_fails_when_one_fails():
    holds = judge(AtLeast("a", than=0), seeds(a=(1, 1, 1)))
    fails = judge(AtLeast("a", than=2), seeds(a=(1, 1, 1)))
    undecided = judge(AtLeast("a", than=0), seeds(a=(1, 1, -1)))
    assert combine_verdicts([holds, holds]) == "holds"
    assert combine_verdicts([holds, undecided]) == "undecided"
    assert combine_verdicts([holds, undecided, fails]) == "fails"
