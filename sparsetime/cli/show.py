"""Commands that end in a page to open: report, demo."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.shared import say


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="The folder of a run, such as runs/demo.")],
) -> None:
    """Write a run's report: one page that needs no network.

    \b
    Example:
      sparsetime report runs/demo
    """
    from sparsetime import report as write

    say(f"{write(run)}: open it in a browser")


@app.command()
def demo(
    out: Annotated[str, typer.Option(help="The folder of the run.")] = "runs/demo",
) -> None:
    """Run everything on a small model that a package carries: capture to report, in minutes.

    A run that was interrupted goes on where it stopped when the command is repeated.

    \b
    Example:
      sparsetime demo --out runs/demo
    """
    from sparsetime.demo.pipeline import demo as run

    say(f"{run(out)}: open it in a browser")
