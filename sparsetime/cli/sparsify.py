"""sparsetime sparsify: leave out weights or activations of a model by a published method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import Sets, say, stdout, table
from sparsetime.config import assignments

if TYPE_CHECKING:
    from sparsetime.computation.report import SparsityReport


@app.command()
def sparsify(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    method: Annotated[str, typer.Argument(help='A recipe of kind "computation plan", or N:M.')],
    out: Annotated[str, typer.Option(help="The folder to write to.")],
    sparsity: Annotated[
        float | None, typer.Option(help="The share that is left out; none for methods of bits.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="A file, folder or glob of texts to calibrate on. Repeatable."),
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="A module or a pattern; all without it. Repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of random masks.")] = 0,
    sets: Sets = None,
) -> None:
    """Leave out a share of a language model's weights, activations or bits, and save the result.

    \b
    Examples:
      sparsetime sparsify my-model magnitude --sparsity 0.5 --out runs/x/sparse
      sparsetime sparsify my-model wanda --sparsity 0.5 --data texts --out runs/x/sparse
      sparsetime sparsify my-model 2:4 --sparsity 0.5 --site "model.layers.*" --out runs/x/sparse
      sparsetime sparsify my-model round_to_nearest --set bits=4 --out runs/x/sparse
    """
    import sparsetime as st
    from sparsetime.cli.model_on_data import documents_of

    texts = list(documents_of(data, {})) if data else None
    sparse = st.sparsify(
        named_model(model),
        method,
        sparsity=sparsity,
        data=texts,
        sites=site,
        seed=seed,
        **assignments(sets or []),
    )
    sparse.save(out)
    report = sparse.report()
    stdout().print(_shown(report))
    if report.sparsity == report.sparsity:
        say(f"{report.sparsity:.1%} of all weights of these matrices are left out")
    say(f"written to {out}; st.open_sparse(model, {out!r}) opens it")


def _shown(report: SparsityReport) -> object:
    shown = table("matrix", "acts on", "pattern", "left out", "bytes", "dense bytes")
    for row in report.matrices:
        shown.add_row(
            row.name, row.plan, row.structure, f"{row.sparsity:.1%}",
            f"{row.bytes:,}", f"{row.dense_bytes:,}",
        )  # fmt: skip
    return shown
