"""Tables of the benchmarks of others, from `benchmarks/results/`, for the docs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sparsetime.comparison import noisy_difference

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
_BEDS_A_TABLE = 5
_WINDOW = 8  # the longest window of the dictionaries that the authors of TempBench train

# The best recovery that the authors of TempBench report, and of which dictionary: theirs, unrun.
# "In their best cell" is of their whole grid; the number before it is of their usual settings.
PUBLISHED = {
    "cyclic_frequency": ".960, spectral crosscoder",
    "multilane_tones": ".469, spectral crosscoder",
    "phase_pairs": ".999, full-band crosscoder",
    "permuted_tones": ".136",
    "coloured_sources": ".109 (.205 in their best cell), window crosscoder",
}

Run = dict[str, Any]
_PM = "\u00a0±\u00a0"  # with spaces at which no line breaks


def tempbench() -> str:
    """Score and reseed noise of every recipe on every bed, with chance and ceiling."""
    runs = _kept("tempbench")
    beds = list(dict.fromkeys(run["bed"] for run in runs))
    groups = [beds[at : at + _BEDS_A_TABLE] for at in range(0, len(beds), _BEDS_A_TABLE)]
    return "\n\n".join(_scores(runs, group) for group in groups)


def tempbench_ranks() -> str:
    """The leading recipe of every bed, the next, the best window, and what the authors report."""
    head = ["bed", "leads", "recovery", "next", "recovery", "the difference"]
    head += [f"best of at most {_WINDOW} steps", "published, unrun"]
    lines = [head, ["---"] * len(head)]
    runs = _kept("tempbench")
    for bed in dict.fromkeys(run["bed"] for run in runs):
        order = sorted((run for run in runs if run["bed"] == bed), key=_recovery, reverse=True)
        best, following = order[:2]
        window = next(run for run in order if run["steps"] <= _WINDOW)
        ours, theirs = ([_recovery(run, one) for one in run["scores"]] for run in (best, following))
        leading, second = f"`{best['recipe']}`", f"`{following['recipe']}`"
        row = [bed.replace("_", " "), leading, _number(_recovery(best)), second]
        row.append(_number(_recovery(following)))
        verdict = noisy_difference(ours, theirs).verdict
        short = f"{_number(_recovery(window))}, `{window['recipe']}`"
        lines.append([*row, verdict, short, PUBLISHED.get(bed, "none quoted")])
    return _table(lines)


def synthsae(world: str) -> str:
    """F1, MCC and FVU on a world of SynthSAEBench: mean over seeds (least to greatest)."""
    head = ["recipe", "rows", "seeds", "F1", "MCC", "FVU", "F1, read narrow", "at L0"]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    runs = [run for run in _kept("synthsae") if run["world"] == world]
    if not runs:
        return "No run of this world is kept."
    for recipe, rows in dict.fromkeys((run["recipe"], run["rows"]) for run in runs):
        some = [run for run in runs if (run["recipe"], run["rows"]) == (recipe, rows)]
        narrow = [run["narrow"] for run in some]
        lines.append(
            [f"`{recipe}`", f"{rows:,}", f"{len(some)}"]
            + [_mean([run[key] for run in some]) for key in ("f1", "mcc", "fvu")]
            + [_mean([one["f1"] for one in narrow])]
            + [f"{sum(one['l0'] for one in narrow) / len(narrow):.1f}"]
        )
    return _table(lines)


def kept(name: str) -> str:
    """The table that a benchmark wrote beside its JSON with --keep."""
    return (RESULTS / f"{name}.md").read_text(encoding="utf-8").rstrip()


def _scores(runs: list[Run], beds: list[str]) -> str:
    lines = [["recipe", "steps read", *(bed.replace("_", " ") for bed in beds)]]
    lines.append(["---", "---:"] + ["---:"] * len(beds))
    at = {(run["recipe"], run["bed"]): run for run in runs}
    best = {bed: max(run["score"] for run in runs if run["bed"] == bed) for bed in beds}
    steps = {run["recipe"]: run["steps"] for run in runs}
    for recipe in sorted(steps, key=lambda name: steps[name]):
        cells = []
        for bed in beds:
            run = at.get((recipe, bed))
            text = (
                "not run"
                if run is None
                else _number(run["score"]) + f"{_PM}{_number(run['reseed'])}"
            )
            cells.append(f"**{text}**" if run and run["score"] == best[bed] else text)
        lines.append([f"`{recipe}`", f"{steps[recipe]}", *cells])
    for number in sorted(set(steps.values())):
        cells = []
        for bed in beds:
            run = next((run for run in runs if run["bed"] == bed and run["steps"] == number), None)
            cells.append(
                "not run"
                if run is None
                else f"{_number(run['chance'])} to {_number(run['ceiling'])}"
            )
        lines.append(["chance to ceiling", f"{number}", *cells])
    return _table(lines)


def _recovery(run: Run, score: float | None = None) -> float:
    score = run["score"] if score is None else score
    return float((score - run["chance"]) / (1 - run["chance"]))


def _number(value: float) -> str:
    """Three decimals, without the 0 before the point."""
    text = f"{value:.3f}"
    return text.removeprefix("0") if value >= 0 else text.replace("-0.", "-.")


def _mean(values: list[float]) -> str:
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.3f}"
    return f"{mean:.3f} ({min(values):.3f} to {max(values):.3f})"


def _kept(name: str) -> list[Run]:
    runs: list[Run] = json.loads((RESULTS / f"{name}.json").read_text())["runs"]
    return runs


def _table(lines: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
