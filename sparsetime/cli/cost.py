"""sparsetime cost: multiplications and bytes that a model needs, by matrix."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import say, stdout, table


@app.command()
def cost(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    data: Annotated[list[str], typer.Option(help="A file, folder or glob of texts. Repeatable.")],
    sparse: Annotated[
        str | None, typer.Option(help="The folder that sparsify wrote of this model.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="A folder for the table of all matrices and steps.")
    ] = None,
) -> None:
    """Count the multiplications that each matrix of a language model needs on some texts.

    \b
    Examples:
      sparsetime cost my-model --data texts
      sparsetime cost my-model --data texts --sparse runs/x/sparse --out runs/x/cost
    """
    import sparsetime as st
    from sparsetime.cli.model_on_data import documents_of

    chosen = named_model(model)
    thinned = chosen if sparse is None else st.open_sparse(chosen, sparse)
    counted = st.cost(thinned, list(documents_of(data, {})), out)
    shown = table("matrix", "needed")
    for name, share in counted.share_by_matrix().items():
        shown.add_row(name, f"{share:.1%}")
    stdout().print(shown)
    say(f"{counted.share:.1%} of the multiplications of dense matrices are needed")
    say(str(st.computation.energy(counted)))
