"""Options that several commands share, and functions for output."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sparsetime.cli.model_argument import MODEL_HELP
from sparsetime.config import assignments
from sparsetime.errors import ConfigError

Config = Annotated[
    Path | None, typer.Option(help="A YAML run file; its section of this command is read.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other setting; dots reach into groups."),
]
Model = Annotated[str | None, typer.Option(help=MODEL_HELP)]
Data = Annotated[
    list[str] | None,
    typer.Option(
        help="Texts (.txt, .jsonl) or recordings (.wav, .edf, .mp4, .csv, .npy, …): a file, a "
        "folder or a glob. Repeatable."
    ),
]
Recipe = Annotated[str | None, typer.Option(help="The architecture; see `recipes`.")]
RunFolder = Annotated[str, typer.Argument(help="The folder of a run, such as runs/demo.")]
Out = Annotated[str | None, typer.Option(help="The folder to write.")]
StoreOption = Annotated[str | None, typer.Option("--store", help="A captured store: path or URL.")]
DictionaryOption = Annotated[
    str | None, typer.Option("--dictionary", help="The folder of a trained dictionary.")
]
StorePath = Annotated[str, typer.Option("--store", help="A captured store: path or URL.")]
DictionaryPath = Annotated[
    str, typer.Option("--dictionary", help="The folder of a trained dictionary.")
]
SegmentSteps = Annotated[
    int, typer.Option("--steps", help="Steps of a segment; 0 for whole sequences.")
]
IndexOption = Annotated[
    str | None,
    typer.Option("--index", help="The folder of an index: runs/x/topk/features."),
]
Seed = Annotated[int | None, typer.Option(help="Seed of the halves and of the null.")]
Draws = Annotated[int | None, typer.Option(help="Draws of the null.")]
ExcludeFirst = Annotated[
    int | None, typer.Option(help="First steps of every sequence to leave out.")
]
ExcludeTokens = Annotated[
    list[int] | None, typer.Option(help="A token whose steps are left out. Repeatable.")
]
ExcludeNorm = Annotated[
    float | None,
    typer.Option(help="Leave out steps longer than this many times the median norm."),
]
SplitBy = Annotated[
    str | None, typer.Option(help="How the store is split: sequence, group or time.")
]
SplitLabel = Annotated[
    str | None, typer.Option(help="The label of sequences whose groups stay on one side.")
]
Force = Annotated[bool | None, typer.Option("--force", help="Replace what is in the folder.")]


#: Rows of a table of features that a command prints.
SHOWN = 20
_WIDE = 160  # characters of a line where no terminal sets them


def given(sets: list[str] | None, **flags: Any) -> dict[str, Any]:
    """The flags that were given and the assignments of --set, as overrides."""
    return {**{k: v for k, v in flags.items() if v not in (None, [])}, **assignments(sets or ())}


def named_texts(texts: list[str] | None, option: str, value: str = "PATH") -> dict[str, str] | None:
    """NAME=VALUE of a repeated option, each value as it is typed; None where it is not given.

    Errors: ConfigError for a text without a name or a value.
    """
    pairs = [text.partition("=") for text in texts or ()]
    for name, equals, rest in pairs:
        if not (name and rest):
            raise ConfigError(f"got {option} {name}{equals}{rest}, expected NAME={value}")
    return {name: rest for name, _, rest in pairs} or None


def site_and_folder(text: str) -> tuple[str, str]:
    """The site of [SITE=]FOLDER, "" where it is not given, and the folder, which may hold "="."""
    site, equals, folder = text.partition("=")
    if not equals or "/" in site or Path(text).exists():
        return "", text
    return site, folder


def table(*columns: str) -> Table:
    """A table without borders that folds long cells."""
    new_table = Table(box=None, pad_edge=False)
    for column in columns:
        new_table.add_column(column, overflow="fold")
    return new_table


def stdout() -> Console:
    """The console for tables and results; in a pipe or a file rows are not folded at 80 columns."""
    fixed = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if fixed else _WIDE)


def say(line: str) -> None:
    """Print one plain line, such as where the result is."""
    typer.echo(line)


def say_rest(rows: int) -> None:
    """Say how many rows of a table of features were not printed, and where they are."""
    if rows > SHOWN:
        say(f"{SHOWN} of {rows:,} rows; the pages of `sparsetime explore` have all")


def as_typed() -> str:
    """The program as a user would type it: by its path where its environment is not active."""
    here = Path(sys.argv[0])
    on_path = shutil.which(here.name)
    if not here.exists() or (on_path and Path(on_path).samefile(here)):
        return "sparsetime"
    return sys.argv[0]
