"""sparsetime explore: browse a run on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.model_on_data import documents_of
from sparsetime.cli.options import Data, say
from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    from sparsetime.models.load import LoadedModel


@app.command()
def explore(
    run: Annotated[
        str | None, typer.Argument(help="The folder of a run, such as runs/demo.")
    ] = None,
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
    sae: Annotated[
        str | None,
        typer.Option(help="A dictionary, also of another library: captured, indexed, opened."),
    ] = None,
    data: Data = None,
    site: Annotated[
        str | None, typer.Option(help="Where the dictionary reads, if its files do not say it.")
    ] = None,
    renderer: Annotated[
        list[str] | None,
        typer.Option(help="A JavaScript module that draws a kind of input over the timeline."),
    ] = None,
) -> None:
    """Browse a run: its dictionaries, the timeline of any sequence, every feature.

    \b
    Examples:
      sparsetime explore runs/demo
      sparsetime explore runs/demo --port 8000 --no-open
      sparsetime explore runs/mine --model models.py:make
      sparsetime explore --sae their-sae --model my-model --data texts
    """
    from sparsetime import explore as serve
    from sparsetime.demo.model import live_model

    named = None if model is None else named_model(model)
    if sae is not None:
        run = _run_of(sae, named, data, run, site)
    elif run is None:
        raise ConfigError(
            "got no run, expected its folder, such as runs/demo; or give --sae, --model and --data"
        )
    live = live_model(run) if named is None else named
    explorer = serve(
        run, host=host, port=port, browser=open_browser, model=live, renderers=renderer or ()
    )
    say(f"{explorer.url}: the explorer of {run}; Ctrl+C ends it")
    explorer.wait()


def _run_of(
    sae: str,
    model: str | LoadedModel | None,
    data: list[str] | None,
    run: str | None,
    site: str | None,
) -> str:
    """The folder of the run that the dictionary, the model and the data make."""
    from sparsetime.interop import run_of_dictionary

    if model is None or not data:
        raise ConfigError(
            "got --sae without --model or --data, expected both: the dictionary's features are "
            "found by running the model on the data"
        )
    # The whole name: what follows the dot of "layers.3" is no suffix.
    out = run or f"runs/{sae.rstrip('/').rpartition('/')[2]}"
    return run_of_dictionary(sae, model, documents_of(data, {}), out, site=site)
