"""A check, run: its record, its refusals, its line in a file."""

import json
import math
from dataclasses import replace

import pytest

from sparsetime.claims.claim import Claim
from sparsetime.claims.lab.lab import Lab
from sparsetime.claims.verdicts.expectations import Less
from sparsetime.claims.verdicts.results import append_record, latest_records
from sparsetime.claims.verdicts.run_claim import run_claim
from sparsetime.errors import ConfigError, DamagedError, DataError, UnknownNameError
from sparsetime.files import Folder
from sparsetime.progress import Bar

EXPECTED = Less("error", than="other")


def made(check, expected=EXPECTED, name="made"):
    return Claim(name, None, "It is so.", "nothing", (expected,), check, 1, "")


def good(lab, seed):
    return {"error": 1.0 + seed, "other": 2.0 + seed}


def test_a_record_says_what_was_found_and_by_what():
    bar = Bar(3)
    record = run_claim(made(good), Lab(), (0, 1, 5), bar)
    assert record.verdict == "holds"
    assert record.values == {"error": (1, 2, 6), "other": (2, 3, 7)}
    assert record.spread("error") == pytest.approx((3, 7**0.5))
    assert record.judgements[0].margins == (1, 1, 1)
    assert {"sparsetime", "python", "torch"} <= record.versions.keys()
    assert record.machine["cores"] >= 1
    assert record.date.endswith("+00:00")
    assert bar.done == 3


def test_records_come_back_from_their_lines(tmp_path):
    path = tmp_path / "results" / "claims.jsonl"
    assert latest_records(path) == {}
    first, second = (run_claim(made(good), Lab(), seeds) for seeds in ((0, 1, 2), (3, 4, 5)))
    other = run_claim(made(good, name="other"), Lab())
    for record in (first, other, second):
        append_record(record, path)
    assert latest_records(path) == {"made": second, "other": other}


def test_a_last_half_line_is_left_out(tmp_path):
    path = tmp_path / "claims.jsonl"
    record = run_claim(made(good), Lab())
    append_record(record, path)
    path.write_text(path.read_text() + '{"claim": "ma')
    assert latest_records(path) == {"made": record}


@pytest.mark.parametrize("line", ["[", "3", json.dumps({"claim": "made"})])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    path = tmp_path / "claims.jsonl"
    append_record(run_claim(made(good), Lab()), path)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DamagedError, match=r"line 2 of .*claims\.jsonl is no record of a claim"):
        latest_records(path)


@pytest.mark.parametrize("seeds", [(0, 1), (0, 1, 1), (0, 0, 0, 0)])
def test_three_seeds_at_least_and_all_different(seeds):
    with pytest.raises(ConfigError, match="at least 3 different seeds"):
        run_claim(made(good), Lab(), seeds)


def test_settings_are_never_chosen_on_a_reported_seed():
    with pytest.raises(ConfigError, match="which settings are chosen on"):
        run_claim(made(good), Lab(), (0, 1, Lab.tuning_seed))


def test_a_value_that_is_not_there_shows_after_the_first_seed():
    seen = []
    with pytest.raises(UnknownNameError, match="unknown value 'othr': did you mean 'other'"):
        run_claim(
            made(
                lambda lab, seed: seen.append(seed) or good(lab, seed), Less("error", than="othr")
            ),
            Lab(),
        )
    assert seen == [0]


def test_a_value_that_is_not_finite_is_named():
    with pytest.raises(DataError, match=r"not finite for seed 1: error = nan\. Did a training"):
        run_claim(made(lambda lab, seed: {"error": math.nan if seed else 0, "other": 1}), Lab())


def test_values_keep_their_names():
    def check(lab, seed):
        return good(lab, seed) | ({"more": 1.0} if seed == 1 else {})

    with pytest.raises(DataError, match="gives other values for seed 1 than before: more"):
        run_claim(made(check), Lab())


def test_a_recipe_that_is_trained_without_being_named_is_an_error():
    recipe = "".join(("gat", "ed"))  # so that this file does not name it

    def check(lab, seed):
        lab.trained.add(recipe)
        return good(lab, seed)

    with pytest.raises(DataError, match=r"trained gated, which its file does not name.* uses="):
        run_claim(made(check), Lab())
    assert run_claim(replace(made(check), uses=(recipe,)), Lab()).verdict == "holds"


def test_a_record_of_0_1_0_is_read_and_has_no_fingerprint(tmp_path):
    path = tmp_path / "claims.jsonl"
    append_record(run_claim(made(good), Lab()), path)
    (saved,) = Folder(str(tmp_path)).read_lines(path.name).values
    saved["figures"] = saved.pop("values")
    saved["code"] = "04bf5d39bf23"
    del saved["fingerprint"]
    path.write_text(json.dumps(saved) + "\n")
    record = latest_records(path)["made"]
    assert record.values == {"error": (1, 2, 3), "other": (2, 3, 4)}
    assert record.fingerprint is None
