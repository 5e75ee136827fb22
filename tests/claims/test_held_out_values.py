"""Values of held-out rows decide nothing: no comparison, no rounding."""

import math

import pytest
from planted import planted as small_rows

from sparsetime.claims.lab.held_out_values import HeldOutValue, is_held_out, mark_held_out
from sparsetime.claims.lab.lab import Lab
from sparsetime.claims.lab.planted_features import planted_features
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.errors import DataError


@pytest.mark.parametrize(
    "choose",
    [
        round,
        int,
        math.ceil,
        math.floor,
        lambda value: min(value, 3.0),
        lambda value: max(3.0, value),
        lambda value: sorted([value, 1.0]),
        lambda value: value < 3,
        lambda value: value <= 3,
    ],
)
def test_choosing_by_a_held_out_value_is_refused(choose):
    with pytest.raises(
        DataError, match="measure what decides on `tuning`, and report on `held_out`"
    ):
        choose(HeldOutValue(2.5))


def test_it_is_reported_and_reckoned_with_as_a_number():
    value = HeldOutValue(2.5)
    assert value == 2.5 and f"{value:.1f}" == "2.5" and type(float(value)) is float
    assert type(value + 1) is float and value * 2 < 6


def test_the_lab_marks_values_of_held_out_rows_alone():
    data = planted_features(0, sequences=10, time=50)
    sae = dictionary("topk", d_in=data.d, width=16, k=2)
    init_from_data(sae, data.train)
    lab = Lab()
    for measure in (lab.fvu, lab.l0, lab.dead_share):
        assert isinstance(measure(sae, data.held_out), HeldOutValue)
        assert isinstance(measure(sae, data.held_out[:20]), HeldOutValue)
        assert not isinstance(measure(sae, data.train), HeldOutValue)


def test_a_mark_ends_with_the_rows():
    rows = mark_held_out(small_rows(20))
    assert is_held_out(rows[3:5]) and not is_held_out(rows.clone())
    del rows
    from sparsetime.claims.lab import held_out_values

    kept = mark_held_out(small_rows(5))
    assert [owner() is kept for _, _, owner in held_out_values._RANGES if owner() is kept] == [True]
    assert all(owner() is not None for _, _, owner in held_out_values._RANGES)
