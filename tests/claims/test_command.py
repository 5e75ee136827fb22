"""sparsetime claim: what it prints, what it writes, what it does not do twice."""

import json

import pytest
from typer.testing import CliRunner

from sparsetime.claims import claim as register
from sparsetime.claims.verdicts.expectations import Less
from sparsetime.claims.verdicts.results import SHIPPED, latest_records
from sparsetime.cli import app
from sparsetime.cli import claim as command
from sparsetime.errors import DataError
from sparsetime.files import Folder
from sparsetime.registry import Register


def run(*arguments, code=0):
    result = CliRunner().invoke(app, ["claim", *arguments], env={"COLUMNS": "200"})
    if result.exit_code != code:
        raise AssertionError(f"{result.exit_code}: {result.output}") from result.exception
    return result


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """Two claims and no others, in an empty folder; the seeds that each was checked on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(register, "_CLAIMS", Register("claim", list))
    seeds = {"quick": [], "other": []}
    for name, error in (("quick", 1.0), ("other", 3.0)):

        @register.claim(
            name,
            says=f"{name} is better.",
            data="made-up values",
            expects=[Less("error", than="baseline")],
            notes=f"A note on {name}.",
        )
        def check(lab, seed, name=name, error=error):
            seeds[name].append(seed)
            return {"error": error + 0.01 * seed, "baseline": 2.0}

    return seeds


def test_a_claim_shows_values_expectations_and_the_verdict(seen, tmp_path):
    output = run("quick").stdout
    lines = {line.split("  ")[0]: line.split() for line in output.splitlines() if line}
    assert lines["error"][1:] == ["1.01", "0.01", "1", "1.01", "1.02"]
    assert lines["error < baseline"][3:] == ["0.99", "0.0058", "holds"]
    assert "quick is better.\non: made-up values" in output
    assert "quick: holds" in output
    assert "A note on quick." in output
    assert latest_records(tmp_path / "claims.jsonl")["quick"].verdict == "holds"


def test_more_seeds_can_be_asked_for_and_fewer_not(seen):
    run("quick", "--seeds", "4")
    assert seen["quick"] == [0, 1, 2, 3]
    assert (
        "got the seeds [0, 1], expected at least 3 different seeds"
        in run("quick", "--seeds", "2", code=2).stderr
    )
    assert len(seen["quick"]) == 4


def test_all_resumes_where_it_stopped(seen):
    run("quick")
    output = run("--all").stdout
    assert seen == {"quick": [0, 1, 2], "other": [0, 1, 2]}
    assert [line.split()[:2] for line in output.splitlines()[1:3]] == [
        ["other", "fails"],
        ["quick", "holds"],
    ]
    assert "claims.jsonl: 1 checked" in output
    assert "claims.jsonl: 0 checked" in run("--all").stdout
    assert "claims.jsonl: 2 checked" in run("--all", "--again").stdout
    assert seen["quick"] == [0, 1, 2] * 2


def test_a_claim_by_name_is_always_checked(seen):
    run("quick")
    run("quick")
    assert seen["quick"] == [0, 1, 2] * 2


def test_without_a_name_the_claims_are_listed_with_their_results(seen):
    run("other")
    output = run().stdout
    rows = [line.split() for line in output.splitlines()[1:]]
    assert rows[0][:2] == ["other", "fails"]
    assert rows[0][3] == "yes"
    assert rows[1][:3] == ["quick", "not", "checked"]
    assert seen["quick"] == []


def test_all_claims_are_listed_as_json(seen):
    run("other")
    other, quick = json.loads(run("--json").stdout)
    assert other["name"] == "other"
    assert (other["verdict"], other["stands"], other["outdated"]) == ("fails", True, [])
    assert len(other["date"]) == len("2026-01-01T00:00:00+00:00")
    assert (other["system"], other["family"]) == (None, "claims")
    assert (quick["verdict"], quick["date"], quick["stands"]) == (None, None, False)
    assert "leave out NAME and --all" in run("--json", "quick", code=2).stderr


def test_a_record_that_does_not_stand_is_checked_again(seen, tmp_path):
    run("quick")
    path = tmp_path / "claims.jsonl"
    (record,) = Folder(str(tmp_path)).read_lines(path.name).values
    record["fingerprint"]["check"] = "0" * 12
    path.write_text(json.dumps(record) + "\n")
    (_, quick) = json.loads(run("--json").stdout)
    assert quick["outdated"] == ["the claim's file computes something else"]
    assert "claims.jsonl: 2 checked" in run("--all").stdout
    assert seen["quick"] == [0, 1, 2] * 2


def test_a_name_and_all_do_not_go_together(seen):
    assert "--all checks every claim; leave out 'quick'" in run("quick", "--all", code=2).stderr


def test_keep_writes_where_the_docs_read(seen, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "_kept", lambda: tmp_path / "kept.jsonl")
    run("quick", "--keep")
    assert latest_records(tmp_path / "kept.jsonl")["quick"].verdict == "holds"
    assert not (tmp_path / "claims.jsonl").exists()
    monkeypatch.undo()
    assert command._kept() == SHIPPED


def test_keep_needs_a_checkout(seen, tmp_path, monkeypatch):
    far = tmp_path / "a" / "b" / "c" / "results.jsonl"
    monkeypatch.setattr("sparsetime.claims.verdicts.results.SHIPPED", far)
    assert "--keep adds to the results in a checkout" in run("quick", "--keep", code=2).stderr
    assert seen["quick"] == []


def test_a_recipe_shows_the_latest_result_of_its_claim():
    record = latest_records(SHIPPED)["topk"]
    output = CliRunner().invoke(app, ["recipes", "topk"], env={"COLUMNS": "1000"}).stdout
    (line,) = (line for line in output.splitlines() if line.startswith("checked"))
    assert f"{record.verdict}, {record.date[:10]}, {len(record.seeds)} seeds: " in line
    mean, spread = record.spread("FVU of TopK")
    assert f"FVU of TopK {mean:.4g} ± {spread:.2g}" in line


def test_an_unknown_claim_is_answered_with_the_nearest(seen):
    assert "unknown claim 'quik': did you mean 'quick'?" in run("quik", code=2).stderr


def test_a_claim_must_not_hold_under_its_null(seen, tmp_path):
    for name, error in (("sound", 3.0), ("empty", 1.0)):

        def null(lab, seed, error=error):
            return {"error": error + 0.01 * seed, "baseline": 2.0}

        @register.claim(
            name,
            says="It is better.",
            data="made-up values",
            expects=[Less("error", than="baseline")],
            null=null,
        )
        def check(lab, seed):
            return {"error": 1.0 + 0.01 * seed, "baseline": 2.0}

    assert "sound --null: fails" in run("sound", "--null").stdout
    assert latest_records(tmp_path / "claims.jsonl")["sound --null"].verdict == "fails"
    outcome = run("empty", "--null", code=1)
    assert (
        "empty --null: the claim holds under its null, so that it shows nothing" in outcome.stderr
    )
    # The claims without one are left out, and the records of nulls are none of claims.
    assert "claims.jsonl: 0 checked" in run("--all", "--null").stdout
    assert {row["name"]: row["verdict"] for row in json.loads(run("--json").stdout)} == {
        "empty": None, "other": None, "quick": None, "sound": None
    }  # fmt: skip


def test_a_null_that_is_not_written_is_asked_for(seen):
    error = run("quick", "--null", code=2).stderr
    assert "the claim 'quick' has no null; give null=... to @claim" in error
    assert "give NAME or --all" in run("--null", code=2).stderr


def test_a_claim_that_can_not_be_checked_keeps_no_other_from_it(seen):
    @register.claim(
        "broken", says="It is.", data="nothing", expects=[Less("error", than="baseline")]
    )
    def check(lab, seed):
        raise DataError("no coefficient gives an L0 of 32")

    outcome = run("--all", code=1)
    assert "the check of broken ended early: no coefficient gives an L0 of 32" in outcome.stderr
    assert seen == {"quick": [0, 1, 2], "other": [0, 1, 2]}
    assert "no coefficient gives" in run("broken", code=2).stderr
