"""sparsetime explore: browse a run on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import RunFolder, say


@app.command()
def explore(
    run: RunFolder,
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
    """Browse a run: its dictionaries, the timeline of any sequence, every feature.

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
