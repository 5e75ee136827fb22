"""Predicted courses: the automaton of onset and stay rules, and its agreement with own runs."""

from __future__ import annotations

import numpy as np

from sparsetime.explanations.rules.course import (
    duration_correlation,
    own_course,
    predicted_course,
    timing_f1,
)


def flags(text):
    return np.array([letter == "x" for letter in text])


FIRST = flags("x.........x.........")


def test_a_state_is_switched_on_by_onset_and_kept_by_stay():
    onset, stay = flags("..x......x...x......"), flags("...xx.....x...x.....")
    course = predicted_course(onset, stay, FIRST, np.ones(20, bool))
    assert course.start.tolist() == [2, 9, 13]
    assert course.length.tolist() == [3, 1, 2], "row 10 begins a sequence, where nothing stays on"


def test_own_runs_end_with_their_sequence():
    course = own_course(flags(".........xx.........x"[:20]), FIRST)
    assert (course.start.tolist(), course.length.tolist()) == ([9, 10], [1, 1])


def test_onsets_match_one_to_one_within_two_steps():
    sequence = np.repeat([0, 1], 10)
    own = own_course(flags(".x...x...x.........."), FIRST)
    near = own_course(flags("...x.....xx........."), FIRST)
    # 1 and 3 match, 9 and 9 match, 10 is in the next sequence.
    assert timing_f1(own, near, sequence) == 2 * 2 / (3 + 3)
    nothing = own_course(np.zeros(20, bool), FIRST)
    assert np.isnan(timing_f1(nothing, nothing, sequence))


def test_lengths_are_compared_by_rank():
    first, sequence = np.zeros(200, bool), np.zeros(200, int)
    first[0] = True
    own, longer, same = np.zeros(200, bool), np.zeros(200, bool), np.zeros(200, bool)
    for number in range(9):
        own[20 * number : 20 * number + number + 1] = True
        longer[20 * number : 20 * number + 2 * number + 1] = True
        same[20 * number] = True
    courses = [own_course(rows, first) for rows in (own, longer, same)]
    assert np.isclose(duration_correlation(courses[0], courses[1], sequence), 1.0)
    assert duration_correlation(courses[0], courses[2], sequence) == 0.0
    assert np.isnan(duration_correlation(courses[2], courses[0], sequence))
