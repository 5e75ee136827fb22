"""sparsetime sites: list the sites of a model where activations can be captured."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import stdout, table


@app.command()
def sites(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    match: Annotated[str, typer.Option(help="Show only paths that hold this text.")] = "",
) -> None:
    """List the sites of a model, where activations can be captured, with their shapes.

    Behind a path, `:input` takes what goes into the module instead of what comes out.

    \b
    Examples:
      sparsetime sites my-model
      sparsetime sites my-model --match attention
    """
    from sparsetime.models.sites import sites as find

    shown = table("site", "module", "input", "output")
    for site in find(named_model(model)):
        if match in site.path:
            shapes = (site.input_shape, site.output_shape)
            shown.add_row(
                site.path, site.kind, *("" if x is None else str(list(x)) for x in shapes)
            )
    stdout().print(shown)
