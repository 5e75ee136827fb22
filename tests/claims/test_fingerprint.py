"""Fingerprints: what outdates a record, and that the shipped records are compared without a run."""

from dataclasses import replace

import pytest

from sparsetime.claims.claim import claims, get_claim
from sparsetime.claims.verdicts.fingerprint import Fingerprint, fingerprint, names_used, outdated
from sparsetime.claims.verdicts.golden import agree, golden_numbers, summarise
from sparsetime.claims.verdicts.results import SHIPPED, latest_records
from sparsetime.claims.verdicts.standing import standings

STORED = Fingerprint(
    "abc", {"topk": {"fvu last": 0.5}}, {"topk": {"k": "32", "aux_weight": "0.03125"}}
)


def test_an_equal_fingerprint_stands():
    assert outdated(STORED, STORED) == []


def test_numbers_may_differ_in_the_last_digits_only():
    assert agree({"a": 1.0, "b": 0.0}, {"a": 1.0009, "b": 1e-7, "c": 5.0})
    assert not agree({"a": 1.0}, {"a": 1.002})
    assert not agree({"a": 1.0}, {"b": 1.0})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"check": "abd"}, "the claim's file computes something else"),
        ({"golden": {"topk": {"fvu last": 0.51}}}, "golden numbers of topk differ"),
        ({"defaults": {"topk": {"k": "16", "aux_weight": "0.03125"}}}, "defaults of topk differ"),
        ({"defaults": {}}, "defaults of topk differ"),
    ],
)
def test_a_changed_formula_default_or_check_outdates(changed, reason):
    assert outdated(STORED, replace(STORED, **changed)) == [reason]


def test_a_record_without_a_fingerprint_is_outdated():
    assert outdated(None, STORED) == ["it has no fingerprint"]


def test_a_renamed_recipe_or_setting_and_a_new_setting_outdate_nothing():
    settings = {"k": "32", "aux_k_weight": "0.03125", "later": "0"}
    current = Fingerprint("abc", {"top_k": STORED.golden["topk"]}, {"top_k": settings})
    assert outdated(STORED, current) == []


def test_a_summary_keeps_the_ends_of_curves_and_all_numbers():
    recorded = {"curves": {"fvu": [0.5, 0.4, 0.3]}, "entries": 240, "sha256": "ab"}
    assert summarise(recorded) == {"fvu first": 0.5, "fvu last": 0.3, "entries": 240}


def test_names_are_those_of_recipes_tools_and_metrics():
    source = """
from sparsetime.metrics.absorption import absorption
def check(lab, seed):
    return lab.train(dictionary("topk")), "a topk in a sentence", other.train
"""
    assert names_used(source) == {"metrics.absorption", "lab.train", "topk"}


def test_every_tool_with_golden_numbers_is_used_by_a_claim():
    used = set().union(*(fingerprint(one).golden for one in claims()))
    tools = {name for name in golden_numbers() if "." in name}
    assert tools <= used, "a key that no claim's file gives: was a module moved?"


def test_shipped_records_that_stand_hold_what_their_claims_use():
    records = latest_records(SHIPPED)
    for one in standings(claims(), records):
        if one.stands:
            stored = one.record.fingerprint
            current = fingerprint(get_claim(one.claim.name))
            assert stored.golden.keys() >= current.golden.keys()
