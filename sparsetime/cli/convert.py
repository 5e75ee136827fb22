"""sparsetime convert: a dictionary in the format of another library, or out of it."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import Sets, say
from sparsetime.config import assignments


@app.command()
def convert(
    source: Annotated[
        str, typer.Argument(help="A dictionary: a folder, a file or a URL (hf://owner/repo/…).")
    ],
    out: Annotated[str, typer.Argument(help="The folder to write.")],
    format: Annotated[  # noqa: A002
        str,
        typer.Option(
            help="Its format: sparsetime, saelens, dictionary_learning, sparsify, circuit_tracer, "
            "circuit_tracer_clt (cross-layer)."
        ),
    ] = "sparsetime",
    source_format: Annotated[
        str | None, typer.Option(help="The format of the source, where its files do not show it.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty.")
    ] = False,
    sets: Sets = None,
) -> None:
    """Write a dictionary in the format of another library, or one of another library in ours.

    What the format cannot express is refused. A convention that the files leave open is settled by
    the rule of their library and said; --set gives another.

    \b
    Examples:
      sparsetime convert hf://owner/repo/blocks.10.hook_resid_post runs/x/sae
      sparsetime convert their-sae runs/x/sae --set subtracts_offset=false
      sparsetime convert runs/x/topk for-saelens --format saelens
    """
    from sparsetime import convert as write

    conventions = assignments(sets or ())
    path = write(source, out, format, source_format=source_format, force=force, **conventions)
    say(f"{path}: written in the format of {format}")
