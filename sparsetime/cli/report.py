"""sparsetime report: write the report of a run, one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import RunFolder, say
from sparsetime.errors import ConfigError


@app.command()
def report(
    run: RunFolder,
    picture: Annotated[
        Path | None, typer.Option(help="Write a passage's score here as well, as an SVG.")
    ] = None,
    passage: Annotated[int, typer.Option(help="Which passage the picture shows.", min=1)] = 1,
) -> None:
    """Write a run's report: one page that needs no network.

    \b
    Examples:
      sparsetime report runs/demo
      sparsetime report runs/demo --picture score.svg --passage 2
    """
    from sparsetime import report as write

    say(f"{write(run)}: open it in a browser")
    if picture is not None:
        say(f"{_draw(run, picture, passage)}: the score of passage {passage}")


def _draw(run: str, picture: Path, passage: int) -> Path:
    from sparsetime.explorer.report_data import gather
    from sparsetime.files import Folder
    from sparsetime.reports.timeline_svg import score_svg

    page = gather(run)
    if passage > len(page.score):
        raise ConfigError(f"the run shows {len(page.score)} passages; number {passage} is none.")
    # The first dictionary is one with parts, where there is one.
    svg = score_svg(page.score[passage - 1], page.dictionaries[0].key)
    Folder(str(picture.parent)).write_text(picture.name, svg)
    return picture
