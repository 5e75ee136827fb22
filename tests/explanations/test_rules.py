"""Rules: planted ones are found, executed on other stores, and scored on held-out sequences."""

from __future__ import annotations

import numpy as np
import pytest
from known_codes import make_store
from planted_text import AFTER_THE, IN_QUOTE, ON_CAT, QUOTED_DOG, RANDOM, planted_texts

import sparsetime as st
from sparsetime.errors import ConfigError, DamagedError, UnknownNameError
from sparsetime.explanations.conditions.condition import category, number, repeated
from sparsetime.explanations.conditions.text_conditions import steps_since, word_shape
from sparsetime.explanations.rules.search import RuleSearch


def of(explained, feature, part="active"):
    return next(row for row in explained.rows(feature) if row["part"] == part)


@pytest.mark.parametrize(
    ("feature", "text"),
    [(ON_CAT, "token is cat"), (AFTER_THE, "token before is the"), (IN_QUOTE, "quoted")],
)
def test_planted_rules_are_found_and_exact(explained, feature, text):
    row = of(explained, feature)
    assert row["text"] == text
    assert row["accuracy"] == 1.0
    assert row["swapped"] < 0.7


def test_a_conjunction_of_values_and_a_label_is_found(explained):
    row = of(explained, QUOTED_DOG)
    rule = st.explanations.Rule.from_json(row["rule"])
    assert row["accuracy"] > 0.98
    assert {p.on for clause in rule.clauses for p in clause} == {"token", "quoted"}
    assert row["rejects_same_token"] > 0.95, "dog outside of quotes"


def test_random_features_are_not_explained_on_held_out_sequences(explained):
    accuracy = [of(explained, feature)["accuracy"] for feature in range(RANDOM, 14)]
    assert abs(np.mean(accuracy) - 0.5) < 0.06


def test_explanations_name_only_features_that_they_are_right_about(texts, explained):
    made, _ = texts
    names = made.column("explanation").to_pylist()
    assert names[ON_CAT] == "token is cat"
    assert not any(names[RANDOM:])


def test_onset_and_end_have_rules_of_their_own(explained):
    onset, stay = of(explained, IN_QUOTE, "onset"), of(explained, IN_QUOTE, "stay")
    assert onset["accuracy"] > 0.95 and onset["timing"] > 0.95
    assert onset["timing_swapped"] < 0.6
    assert stay["text"] == "quoted" and stay["duration"] > 0.95
    assert of(explained, IN_QUOTE, "end")["text"] == "not quoted"


def test_a_rule_is_executed_on_another_store(explained, tmp_path):
    rule = st.explanations.Rule.from_json(of(explained, QUOTED_DOG)["rule"])
    other = make_store(
        tmp_path / "other",
        [np.zeros((4, 2))],
        texts=["dog cat bird cow"],
        steps={"quoted": [[True, True, False, True]]},
    )
    steps = st.explanations.step_conditions(other)
    assert rule.holds(steps).tolist() == [True, False, False, False]
    assert st.explanations.Rule.from_json(rule.to_json()) == rule


def test_a_rule_over_a_condition_that_is_not_there_is_refused(explained, tmp_path):
    rule = st.explanations.Rule.from_json(of(explained, IN_QUOTE)["rule"])
    other = make_store(tmp_path / "other", [np.zeros((3, 2))], texts=["a b c"])
    with pytest.raises(UnknownNameError, match="condition of a rule"):
        rule.holds(st.explanations.step_conditions(other))
    with pytest.raises(DamagedError, match="which is no rule"):
        st.explanations.Rule.from_json("[[7]]")


def test_a_second_call_replaces_the_first(texts, explained):
    made, store = texts
    again = st.explain(made, store, moments=200, progress=False)
    assert again.table.equals(explained.table)


def test_explaining_one_feature_keeps_the_others(tmp_path):
    made, store = planted_texts(tmp_path)
    st.explain(made, store, [ON_CAT, AFTER_THE, IN_QUOTE], moments=40, progress=False)
    again = st.explain(made, store, [ON_CAT], moments=60, progress=False)
    kept = {row["feature"] for row in again.table.to_pylist()}
    assert kept == {ON_CAT, AFTER_THE, IN_QUOTE} and again.about["rules"]["moments"] == 60
    assert sum(row["part"] == "active" for row in again.rows(ON_CAT)) == 1
    assert made.column("explanation").to_pylist()[AFTER_THE] == "token before is the"
    shown = made.details("explanation_contexts").table["feature"].to_pylist()
    assert set(shown) == {ON_CAT, AFTER_THE, IN_QUOTE}


def test_wrong_features_and_too_few_moments_are_refused(texts):
    made, store = texts
    with pytest.raises(ConfigError, match="got feature 14, expected 0 to 13"):
        st.explain(made, store, [14])
    with pytest.raises(ConfigError, match="got moments=5, expected at least 20"):
        st.explain(made, store, moments=5)


def test_shapes_of_words():
    shapes = {text: word_shape(text) for text in ("getValue", "__init__", "2024", "(", "A")}
    assert shapes == {"getValue": "xxXxx", "__init__": "__xx__", "2024": "dd", "(": "(", "A": "X"}


def test_steps_since_do_not_cross_sequences():
    here = np.array([True, False, False, False, True, False])
    since = steps_since(here, np.array([0, 3, 6]))
    assert since.tolist() == [np.inf, 1, 2, np.inf, np.inf, 1]


def test_values_of_few_sequences_are_not_named():
    begins = np.arange(0, 101, 10)
    code = np.zeros(100, dtype=np.int32)
    code[[0, 1, 11]] = 1  # in two sequences
    code[[2, 12, 22]] = 2
    kept = repeated(category("token", code, ("a", "b", "c")), np.ones(100, bool), begins)
    assert kept.values == ("a", "c")
    assert kept.code[[0, 2, 3]].tolist() == [-1, 1, 0]


def test_a_range_of_a_number_is_found():
    depth = np.tile(np.arange(10.0), 40).astype(np.float32)
    steps = st.explanations.StepConditions(
        (number("depth", depth, tuple(np.arange(0.5, 9))),), np.array([0, 400])
    )
    rule, accuracy = RuleSearch(steps).rule(np.arange(400), (depth >= 3) & (depth < 6))
    assert rule.text == "depth 3 to 5" and np.isclose(accuracy, 1.0)


def test_predicates_in_words():
    predicate = st.explanations.Predicate
    texts = {
        predicate("loud", low=0.25).text,
        predicate("depth", high=2.5).text,
        predicate("steps since (", low=-np.inf, high=4).text,
        predicate("steps since (", low=6, high=9).text,
        predicate("kind", ("name", ""), negated=True).text,
    }
    assert texts == {
        "loud ≥ 0.25",
        "depth ≤ 2",
        "within 3 steps after (",
        "6 to 8 steps after (",
        "kind is none of name / empty",
    }
