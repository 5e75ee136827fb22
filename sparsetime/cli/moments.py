"""sparsetime moments: find the moments of a store that are like a step, or that surprise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import Sets, say, stdout, table

if TYPE_CHECKING:
    from torch import Tensor

    from sparsetime.activations.store.store import Store


@app.command()
def moments(
    store: Annotated[str, typer.Argument(help="A captured store: path or URL.")],
    how: Annotated[str, typer.Option(help="top, uniform, spread, zoom or surprise.")] = "surprise",
    like: Annotated[
        str | None,
        typer.Option(metavar="SEQUENCE:STEP", help="The step that moments are like; else: change."),
    ] = None,
    budget: Annotated[int, typer.Option(help="Moments of a sequence at most.")] = 8,
    out: Annotated[
        str | None, typer.Option(help="A folder to write them to; the explorer reads RUN/moments.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the file in --out; the finder's by default.")
    ] = None,
    sets: Sets = None,
) -> None:
    """Find steps or spans of a store that are like one of its steps, or that surprise.

    \b
    Examples:
      sparsetime moments runs/x/activations
      sparsetime moments runs/x/surprise --budget 20 --out runs/x/moments
      sparsetime moments runs/x/activations --how zoom --like doc:12 --budget 4 --set share=0.2
    """
    import sparsetime as st
    from sparsetime.config import assignments

    opened = st.open_store(store)
    query = None if like is None else _row(opened, like)
    found = st.find_moments(opened, how, query=query, budget=budget, **assignments(sets or ()))
    if out is not None:
        say(f"written: {found.save(out, name or how)}")
    shown = table("sequence", "start", "end", "score")
    for row in found.table.to_pylist():
        shown.add_row(
            row["sequence"], f"{row['start']:g}", f"{row['end']:g}", f"{row['score']:.4g}"
        )
    stdout().print(shown)
    lengths = opened.sequences["length"].to_pylist()
    pairs = zip(found.scored.values(), lengths, strict=True)
    share = sum(of_one * length for of_one, length in pairs) / max(1, sum(lengths))
    say(f"{len(found)} moments; {share:.1%} of the steps were scored")


def _row(store: Store, like: str) -> Tensor:
    """The row of SEQUENCE:STEP. Errors: ConfigError for another form, or none of the store."""
    import torch

    from sparsetime.errors import ConfigError, unknown_name

    name, _, step = like.rpartition(":")
    names = store.sequences["id"].to_pylist()
    if not name or not step.isdecimal():
        raise ConfigError(f"got --like {like}, expected SEQUENCE:STEP, such as {names[0]}:0")
    if name not in names:
        raise unknown_name("sequence of the store", name, names)
    rows = torch.as_tensor(store.sequence(names.index(name)).values)
    if int(step) >= len(rows):
        raise ConfigError(
            f"got --like {like}, expected a step below {len(rows)}, the length of {name!r}"
        )
    return rows[int(step)].float()
