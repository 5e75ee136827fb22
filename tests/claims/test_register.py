"""Every recipe has a claim, and every claim says what it must."""

import pytest

from sparsetime import recipes
from sparsetime.claims.claim import LONGEST, Less, claim, claims, get_claim
from sparsetime.claims.verdicts.fingerprint import fingerprint
from sparsetime.claims.verdicts.results import SHIPPED, latest_records
from sparsetime.errors import ConfigError, UnknownNameError

CLAIMS = claims()
FAMILIES = (
    "dictionaries",
    "evaluation",
    "interpretation",
    "applications",
    "attention",
    "sequences",
    "moments",
    "pretraining",
    "computation",
)
# Recipes whose claim is still to be written; this list only ever gets shorter.
WITHOUT: set[str] = set()


# Claims whose null is still to be written; this list only gets shorter.
WITHOUT_NULL: set[str] = set()


def test_every_claim_has_a_null():
    lacking = {one.name for one in CLAIMS if one.null is None}
    assert lacking <= WITHOUT_NULL, "give null=... to @claim: it must not hold under it"
    assert lacking >= WITHOUT_NULL, "these have a null now: take them off the list"


@pytest.mark.parametrize(
    "one", [one for one in CLAIMS if one.null is not None], ids=lambda one: one.name
)
def test_the_null_stands_in_the_file_of_its_claim(one):
    assert one.under_null().file == one.file
    assert one.rule.endswith(".") or one.system is None, "quote the rule of its row"


def test_every_recipe_has_a_claim():
    lacking = {card.name for card in recipes()} - {one.name for one in CLAIMS}
    assert lacking <= WITHOUT, "write a file in sparsetime/claims/papers/dictionaries/"
    assert lacking >= WITHOUT, "these have a claim now: take them off the list"


@pytest.mark.parametrize("one", CLAIMS, ids=lambda one: one.name)
def test_a_claim_says_what_it_must(one):
    assert one.file.stem == one.name
    assert one.says[0].isupper()
    assert one.says.endswith(".")
    assert one.data
    assert 0 < one.seconds <= LONGEST
    assert one.family in FAMILIES
    texts = [str(expectation) for expectation in one.expects]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("one", CLAIMS, ids=lambda one: one.name)
def test_a_claim_and_its_recipe_have_one_number(one):
    numbers = {card.name: card.system for card in recipes()}
    if numbers.get(one.name) is not None:
        assert one.system == numbers[one.name]
        assert get_claim(one.name).system == numbers[one.name]


def test_a_claim_uses_its_own_recipe():
    names = {card.name for card in recipes()}
    for one in CLAIMS:
        used = fingerprint(one).golden
        assert used, f"{one.name} names no recipe; add uses=[...] to @claim"
        assert one.name in used or one.name not in names


def test_the_results_that_come_along_are_of_claims_that_exist():
    found = latest_records(SHIPPED)
    assert found
    nulls = {one.under_null().name for one in CLAIMS if one.null}
    assert set(found) <= {one.name for one in CLAIMS} | nulls
    for record in found.values():
        assert len(record.seeds) >= 3


def test_a_claim_that_expects_nothing_is_refused():
    with pytest.raises(ConfigError, match="'empty' expects nothing, so it could not fail"):
        claim("empty", says="It is.", data="nothing", expects=[])


def test_a_claim_that_takes_long_is_refused():
    with pytest.raises(
        ConfigError, match="would take 91 s; three seeds of a claim take at most 90"
    ):
        claim("slow", says="It is.", data="nothing", expects=[Less("a", than=1)], seconds=91)


def test_an_unknown_claim_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown claim 'topkk': did you mean 'topk'"):
        get_claim("topkk")


def test_a_former_name_still_gives_the_claim():
    assert get_claim("g_sae").name == "gradient_sae"


def test_a_name_that_another_claim_has_is_refused():
    def check(lab, seed):
        return {"a": 0.0}

    with pytest.raises(ConfigError, match=r"got the claim 'topk' from .*choose another name"):
        claim("topk", says="It is.", data="nothing", expects=[Less("a", than=1)])(check)
