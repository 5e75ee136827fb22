"""Command line and printed tables of the worked examples."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from sparsetime.errors import ConfigError, StoreError
from sparsetime.features import DetailTable

RATE = 0.05  # of false discoveries
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"

_findings: list[str] = []  # what was printed, as Markdown


def say(text: str) -> None:
    """Print a sentence, which --keep writes too."""
    print(text)
    _findings.append(text)


def show(rows: Sequence[Mapping[str, Any]], **columns: str) -> None:
    """Print rows as a table: heading=key of the rows, or heading="key:format"; None is a dash."""
    head = [heading.replace("_", " ") for heading in columns]
    table = Table(*head, box=None, pad_edge=False)
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = (column.partition(":")[::2] for column in columns.values())
        # A score of few recordings may be undefined.
        lines.append(["-" if row[key] is None else format(row[key], form) for key, form in cells])
        table.add_row(*lines[-1])
    _findings.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    Console(highlight=False, width=110).print(table)


def discovered(row: Mapping[str, Any], q: str = "q") -> bool:
    """Whether a row was tested and its false-discovery rate is at most 0.05."""
    return row[q] is not None and row[q] <= RATE


def say_halves(scores: DetailTable) -> None:
    """How many recordings chose, and how many the scores are of."""
    text = str(scores.about["halves"])
    say(f"{text[0].upper()}{text[1:]}.")


def show_detectors(scores: DetailTable, labels: Sequence[str], number: int, **columns: str) -> None:
    """Print for each label the features with the largest phi, and their scores on other recordings.

    phi is of the recordings that chose values and thresholds, so no feature is chosen by the scores
    that are printed. columns: beside feature, name, precision, recall and q, as in `show`.
    """
    say_halves(scores)
    rows = [row for row in scores.table.to_pylist() if row["precision"] is not None]
    for label in labels:
        best = sorted((r for r in rows if r["label"] == label), key=lambda row: -row["phi"])
        own = {"precision": "precision:.2f", "recall": "recall:.2f", "q": "q:.4f"}
        show(best[:number], feature="feature", detects="name", **own, **columns)


def run(main: Callable[[Path, bool], None], description: str) -> None:
    """Run an example from the command line.

    main: takes the folder to write and whether to use a tenth of the data. Without the weights that
    it needs, the reason is printed and nothing fails.
    """
    name = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs/examples") / name)
    parser.add_argument("--small", action="store_true", help="a tenth of the data")
    parser.add_argument(
        "--keep", action="store_true", help="write benchmarks/results/ for the docs"
    )
    arguments = parser.parse_args()
    begun = time.perf_counter()
    try:
        main(arguments.out, arguments.small)
    except ConfigError as error:
        if "sparsetime testbeds fetch" not in str(error):
            raise
        print(f"skipped: {error}")
        return
    except StoreError as error:
        sys.exit(f"{error}")
    seconds = time.perf_counter() - begun
    if arguments.keep:
        _findings.append(f"Run with {torch.get_num_threads()} thread(s) on {date.today()}.")
        kept = "\n\n".join(_findings)
        (RESULTS / f"example_{name}.md").write_text(f"{kept}\n", encoding="utf-8")
    print(f"{name}: {seconds:.0f} s; look at it: sparsetime explore {arguments.out}")
