"""Commands that end in a page to open: explore, report, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.shared import Sets, given, say
from sparsetime.errors import ConfigError


@app.command()
def explore(
    run: Annotated[str, typer.Argument(help="The folder of a run, such as runs/demo.")],
    host: Annotated[
        str, typer.Option(help="Where to listen; another than this machine's asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(help="The port; without it the first free one from 7878.", min=1, max=65535),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,
) -> None:
    """Browse a run: its dictionaries, the score of any sequence, every feature.

    \b
    Examples:
      sparsetime explore runs/demo
      sparsetime explore runs/demo --port 8000 --no-open
    """
    from sparsetime import explore as serve

    explorer = serve(run, host=host, port=port, browser=open_browser)
    say(f"{explorer.url}: the explorer of {run}; Ctrl+C ends it")
    explorer.wait()


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
