"""sparsetime demo: the whole pipeline on a small model and text that ship with packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import Sets, as_typed, given, say


@app.command()
def demo(
    out: Annotated[str, typer.Option(help="The folder of the run.")] = "runs/demo",
    config: Annotated[
        Path | None, typer.Option(help="Settings, such as the config.yaml of an earlier run.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Start again in place of a run.")] = False,
    sets: Sets = None,
) -> None:
    """Run capture to report on a small model that comes with a package, in minutes.

    An interrupted run resumes where it stopped when the command is repeated.

    \b
    Examples:
      sparsetime demo --out runs/demo
      sparsetime demo --out runs/small --set train.rows=200000 \\
        --set capture.documents=40
    """
    from sparsetime.demo.pipeline import demo as run

    page = run(out, config=config, force=force, overrides=given(sets))
    say(f"{page}: open it in a browser")
    say(f"{as_typed()} explore {out}: look around in it, by any feature and passage")
