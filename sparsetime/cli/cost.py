"""sparsetime cost: multiplications and bytes that a model needs, by matrix."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import say, stdout, table
from sparsetime.errors import ConfigError


@app.command()
def cost(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    data: Annotated[
        list[str] | None, typer.Option(help="A file, folder or glob of texts. Repeatable.")
    ] = None,
    sparse: Annotated[
        str | None, typer.Option(help="The folder that sparsify wrote of this model.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="A folder for the table of all matrices and steps.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(help="A run, of whose documents the cost by step is kept for the explorer."),
    ] = None,
    name: Annotated[str, typer.Option(help="What --keep calls it.")] = "cost",
    sequences: Annotated[int, typer.Option(min=1, help="Documents that --keep counts.")] = 16,
) -> None:
    """Count the multiplications that each matrix of a language model needs on some texts.

    \b
    Examples:
      sparsetime cost my-model --data texts
      sparsetime cost my-model --data texts --sparse runs/x/sparse --out runs/x/cost
      sparsetime cost my-model --sparse runs/x/sparse --keep runs/x
    """
    import sparsetime as st
    from sparsetime.cli.model_on_data import documents_of

    if data is None and keep is None:
        raise ConfigError("got neither --data nor --keep, expected texts or a run; give one")
    chosen = named_model(model)
    thinned = chosen if sparse is None else st.open_sparse(chosen, sparse)
    if keep is not None:
        from sparsetime.computation.keep_cells import keep_cells

        cells = keep_cells(thinned, keep, name, sequences)
        say(
            f"of dense matrices {cells.share('computed'):.1%} are computed, of them "
            f"{cells.share('needed'):.1%} needed; {cells.share('missed'):.1%} are left out though "
            f"needed; kept in {keep}/costs/{name}, and shown by sparsetime explore {keep}"
        )
    if data is None:
        return
    counted = st.cost(thinned, list(documents_of(data, {})), out)
    shown = table("matrix", "needed")
    for matrix, share in counted.share_by_matrix().items():
        shown.add_row(matrix, f"{share:.1%}")
    stdout().print(shown)
    say(f"{counted.share:.1%} of the multiplications of dense matrices are needed")
    say(str(st.computation.energy(counted)))
