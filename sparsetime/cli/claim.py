"""The command `claim`: checks what papers claim, and lists the verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import say, stdout, table
from sparsetime.errors import ConfigError, SparsetimeError

if TYPE_CHECKING:
    from sparsetime.claims.claim import Claim
    from sparsetime.claims.verdicts.results import ClaimRecord
    from sparsetime.claims.verdicts.standing import Standing

_COLOURS = {"holds": "green", "fails": "red", "undecided": "yellow"}
_OWN = Path("claims.jsonl")


@app.command()
def claim(
    name: Annotated[
        str, typer.Argument(help="The claim to check; without it, all are listed.")
    ] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Check all claims whose record does not stand.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="With --all: also those whose record stands.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Add to the results that the docs show.")
    ] = False,
    null: Annotated[
        bool,
        typer.Option("--null", help="Check NAME, or all, under the null: it must not hold."),
    ] = False,
    seeds: Annotated[int, typer.Option(help="Number of seeds, at least three.")] = 3,
    as_json: Annotated[
        bool, typer.Option("--json", help="List all claims as JSON, and check none.")
    ] = False,
) -> None:
    """Check what a paper claims, over several seeds, and say whether it holds here.

    The first check captures real activations, which takes some minutes once. A line with values,
    versions and machine is added to claims.jsonl, or to the package's own results with --keep. A
    record stands until the claim's file or a golden number that it depends on changes.

    \b
    Examples:
      sparsetime claim
      sparsetime claim --json
      sparsetime claim topk
      sparsetime claim resampling --null
      sparsetime claim --all --keep
    """
    from sparsetime.claims.claim import claims, get_claim
    from sparsetime.claims.verdicts.results import SHIPPED, latest_records
    from sparsetime.claims.verdicts.standing import standings
    from sparsetime.files import Folder, folder_lock

    if name and every:
        raise ConfigError(f"--all checks every claim; leave out {name!r}, or --all")
    if as_json and (name or every):
        raise ConfigError("--json lists all claims and checks none; leave out NAME and --all")
    if null and not (name or every):
        raise ConfigError("--null checks a claim under its null; give NAME or --all")
    if not name and not every:
        listed = standings(claims(), {**latest_records(SHIPPED), **latest_records(_OWN)})
        if as_json:
            print(
                json.dumps(
                    [standing.to_json() for standing in listed], indent=1, ensure_ascii=False
                )
            )
        else:
            _list(listed)
        return
    path = _kept() if keep else _OWN
    offered = [one.under_null() for one in claims() if one.null] if null else claims()
    if name:
        chosen = get_claim(name)
        due = [chosen.under_null() if null else chosen]
    else:
        due = [standing.claim for standing in standings(offered, latest_records(path))
               if again or not standing.stands]  # fmt: skip
    # Lines are appended whole, so that only the package's own file needs one process at a time.
    with folder_lock(*([Folder(str(path.parent))] if keep else []), what="sparsetime claim --keep"):
        records, errors = _run(due, path, seeds)
    if name and errors:
        raise errors[due[0].name]
    if name:
        _show(due[0], records[0])
    else:
        _list(standings(offered, latest_records(path)))
    say(f"{path}: {len(records)} checked")
    for failed, error in errors.items():
        typer.echo(f"error: the check of {failed} ended early: {error}", err=True)
    hold = [record.claim for record in records if null and record.verdict == "holds"]
    if hold:
        which = ", ".join(hold)
        typer.echo(
            f"error: {which}: the claim holds under its null, so that it shows nothing", err=True
        )
    if errors or hold:
        raise typer.Exit(1)


def _run(
    due: list[Claim], path: Path, seeds: int
) -> tuple[list[ClaimRecord], dict[str, SparsetimeError]]:
    """Checks claims and appends the record of each as it ends, so that a next call resumes.

    Returns the records, and by name the errors of claims whose check ended early: one that can't
    be checked keeps none of the others from being checked.
    """
    from sparsetime.claims.lab.lab import Lab
    from sparsetime.claims.verdicts.results import append_record
    from sparsetime.claims.verdicts.run_claim import run_claim
    from sparsetime.progress import progress

    what = f"check {due[0].name}" if len(due) == 1 else "check claims"
    records: list[ClaimRecord] = []
    errors: dict[str, SparsetimeError] = {}
    with progress(what, len(due) * seeds, "seeds") as bar:
        lab = Lab(on_progress=bar.say)
        for number, next_claim in enumerate(due, start=1):
            try:
                records.append(run_claim(next_claim, lab, range(seeds), bar))
            except SparsetimeError as error:
                errors[next_claim.name] = error
                bar.advance(number * seeds - bar.done)
            else:
                append_record(records[-1], path)
    return records, errors


def _kept() -> Path:
    from sparsetime.claims.verdicts.results import SHIPPED

    if not (SHIPPED.parents[2] / "pyproject.toml").exists():
        raise ConfigError(
            "--keep adds to the results in a checkout of sparsetime, and this is an installed "
            "package; without --keep, results go to claims.jsonl"
        )
    return SHIPPED


def _show(claim: Claim, record: ClaimRecord) -> None:
    console = stdout()
    console.print(f"{claim.says}\non: {claim.data}\n")
    shown = table("value", "mean", "spread", *(f"seed {seed}" for seed in record.seeds))
    for name, by_seed in record.values.items():
        shown.add_row(name, *(f"{value:.4g}" for value in (*record.spread(name), *by_seed)))
    console.print(shown)
    console.print()
    expected = table("expected", "margin", "standard error", "verdict")
    for judgement in record.judgements:
        margins = (f"{judgement.mean:.3g}", f"{judgement.error:.2g}")
        expected.add_row(judgement.expectation, *margins, _coloured(judgement.verdict))
    console.print(expected)
    console.print(f"\n{record.claim}: {_coloured(record.verdict)}, {record.seconds:.0f} s")
    if claim.notes:
        console.print(claim.notes)


def _list(standings: Iterable[Standing]) -> None:
    shown = table("claim", "row", "verdict", "date", "stands", "observed if it holds")
    for standing in standings:
        row = "" if standing.claim.system is None else str(standing.claim.system)
        verdict = _coloured(standing.record.verdict) if standing.record else "not checked"
        date = standing.record.date[:10] if standing.record else ""
        stands = "yes" if standing.stands else "no" if standing.record else ""
        shown.add_row(standing.claim.name, row, verdict, date, stands, standing.claim.says)
    stdout().print(shown)


def _coloured(verdict: str) -> str:
    return f"[{_COLOURS[verdict]}]{verdict}[/]"
