"""Commands that end in a page to open: report, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.shared import Sets, given, say
from sparsetime.errors import ConfigError


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="The folder of a run, such as runs/demo.")],
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


@app.command()
def demo(
    out: Annotated[str, typer.Option(help="The folder of the run.")] = "runs/demo",
    config: Annotated[
        Path | None, typer.Option(help="Settings, such as the config.yaml of an earlier run.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Begin anew in place of a run.")] = False,
    sets: Sets = None,
) -> None:
    """Run everything on a small model that a package carries: capture to report, in minutes.

    A run that was interrupted goes on where it stopped when the command is repeated.

    \b
    Examples:
      sparsetime demo --out runs/demo
      sparsetime demo --out runs/small --set train.rows=200000 \\
        --set capture.documents=40
    """
    from sparsetime.demo.pipeline import demo as run

    page = run(out, config=config, force=force, overrides=given(sets))
    say(f"{page}: open it in a browser")


def _draw(run: str, picture: Path, passage: int) -> Path:
    from sparsetime.explorer.gather import gather
    from sparsetime.explorer.picture import score_svg
    from sparsetime.files import Folder

    page = gather(run)
    if passage > len(page.score):
        raise ConfigError(f"the run shows {len(page.score)} passages; number {passage} is none.")
    # The first dictionary is the one with a high-level part, where there is one.
    svg = score_svg(page.score[passage - 1], page.dictionaries[0].key)
    Folder(str(picture.parent)).write_text(picture.name, svg)
    return picture
