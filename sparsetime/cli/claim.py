"""The command that checks what papers claim: claim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import say, stdout, table
from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    from sparsetime.claims.claim import Claim
    from sparsetime.claims.verdicts.results import ClaimRecord

_COLOURS = {"holds": "green", "fails": "red", "undecided": "yellow"}
_OWN = Path("claims.jsonl")


@app.command()
def claim(
    name: Annotated[
        str, typer.Argument(help="The claim to check; without it, all are listed.")
    ] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Check all, those with a result not again.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also those with a result of this code.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Add to the results that the docs show.")
    ] = False,
    seeds: Annotated[int, typer.Option(help="How many seeds, three at least.")] = 3,
) -> None:
    """Check what a paper claims, over several seeds, and say whether it holds here.

    The first check captures real activations, which takes some minutes once. A line with values,
    versions and machine is added to claims.jsonl, or to the package's own results with --keep.

    \b
    Examples:
      sparsetime claim
      sparsetime claim topk
      sparsetime claim --all --keep
    """
    from sparsetime.claims.claim import claims, get_claim
    from sparsetime.claims.verdicts.results import SHIPPED, latest_records

    if name and every:
        raise ConfigError(f"--all checks every claim; leave out {name!r}, or --all")
    if not name and not every:
        _list(claims(), {**latest_records(SHIPPED), **latest_records(_OWN)})
        return
    path = _kept() if keep else _OWN
    wanted = claims() if every else [get_claim(name)]
    records = _run(wanted, path, seeds, again or not every)
    if name:
        _show(wanted[0], records[0])
    else:
        _list(wanted, latest_records(path))
    say(f"{path}: {len(records)} checked")


def _run(wanted: list[Claim], path: Path, seeds: int, again: bool) -> list[ClaimRecord]:
    from sparsetime.claims.lab.lab import Lab
    from sparsetime.claims.verdicts.code_hash import code_version
    from sparsetime.claims.verdicts.results import append_record, latest_records
    from sparsetime.claims.verdicts.run_claim import run_claim
    from sparsetime.progress import progress

    known = {} if again else latest_records(path)
    due = [
        one
        for one in wanted
        if one.name not in known or known[one.name].code != code_version(one.file)
    ]
    what = f"check {due[0].name}" if len(due) == 1 else "check claims"
    records = []
    with progress(what, len(due) * seeds, "seeds") as bar:
        lab = Lab(tell=bar.say)
        for one in due:
            records.append(run_claim(one, lab, range(seeds), bar))
            append_record(records[-1], path)
    return records


def _kept() -> Path:
    from sparsetime.claims.verdicts.results import SHIPPED

    if not (SHIPPED.parents[2] / "pyproject.toml").exists():
        raise ConfigError(
            "--keep adds to the results in a checkout of sparsetime, and this is an installed "
            "package; without --keep, results go to claims.jsonl"
        )
    return SHIPPED


def _show(one: Claim, record: ClaimRecord) -> None:
    console = stdout()
    console.print(f"{one.says}\non: {one.data}\n")
    shown = table("value", "mean", "spread", *(f"seed {seed}" for seed in record.seeds))
    for name, by_seed in record.values.items():
        shown.add_row(name, *(f"{value:.4g}" for value in (*record.spread(name), *by_seed)))
    console.print(shown)
    console.print()
    expected = table("expected", "margin", "its error", "verdict")
    for one_of in record.judgements:
        margins = (f"{one_of.mean:.3g}", f"{one_of.error:.2g}")
        expected.add_row(one_of.expectation, *margins, _coloured(one_of.verdict))
    console.print(expected)
    console.print(f"\n{record.claim}: {_coloured(record.verdict)}, {record.seconds:.0f} s")
    if one.notes:
        console.print(one.notes)


def _list(known: list[Claim], records: dict[str, ClaimRecord]) -> None:
    shown = table("claim", "verdict", "date", "what would be seen")
    for one in known:
        record = records.get(one.name)
        verdict = _coloured(record.verdict) if record else "not checked"
        shown.add_row(one.name, verdict, record.date[:10] if record else "", one.says)
    stdout().print(shown)


def _coloured(verdict: str) -> str:
    return f"[{_COLOURS[verdict]}]{verdict}[/]"
