"""Commands that end in a page to open: explore, export, report, demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import Sets, as_typed, given, say
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
    model: Annotated[
        str | None, typer.Option(help=f"What the live view runs. {MODEL_HELP}")
    ] = None,
    renderer: Annotated[
        list[str] | None,
        typer.Option(help="A JavaScript module that draws a kind of input under the score."),
    ] = None,
) -> None:
    """Browse a run: its dictionaries, the score of any sequence, every feature.

    \b
    Examples:
      sparsetime explore runs/demo
      sparsetime explore runs/demo --port 8000 --no-open
      sparsetime explore runs/mine --model models.py:make
    """
    from sparsetime import explore as serve
    from sparsetime.demo.model import live_model

    named = live_model(run) if model is None else named_model(model)
    explorer = serve(
        run, host=host, port=port, browser=open_browser, model=named, renderers=renderer or ()
    )
    say(f"{explorer.url}: the explorer of {run}; Ctrl+C ends it")
    explorer.wait()


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="The folder of a run, such as runs/demo.")],
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
    say(f"{as_typed()} explore {out}: look around in it, by any feature and passage")


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
