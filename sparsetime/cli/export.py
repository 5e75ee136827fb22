"""sparsetime export: write the explorer of a run as a static folder."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import RunFolder, say


@app.command()
def export(
    run: RunFolder,
    out: Annotated[str, typer.Argument(help="The folder to write, for any web server.")],
    megabytes: Annotated[
        float, typer.Option(help="How much data at most; what does not fit is left out and said.")
    ] = 100.0,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    renderer: Annotated[
        list[str] | None, typer.Option(help="A renderer to take along; see explore.")
    ] = None,
) -> None:
    """Write the explorer of a run as a static folder: all its views but the live one.

    \b
    Examples:
      sparsetime export runs/demo public/demo
      sparsetime export runs/demo public/demo --megabytes 20
    """
    from sparsetime import export as write

    page = write(run, out, megabytes=megabytes, force=force, renderers=tuple(renderer or ()))
    say(f"{page}: put its folder on a web server, such as python -m http.server -d {out}")
