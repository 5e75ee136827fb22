"""sparsetime match: features of two dictionaries, nearest, mutual and against a null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import Seed, say, stdout, table

if TYPE_CHECKING:
    from sparsetime.matching.compared_features import Matchable

_SHOWN = 20


@app.command()
def match(
    left: Annotated[str, typer.Argument(help="A dictionary's folder, or that of an index.")],
    right: Annotated[str, typer.Argument(help="The same, of the other side.")],
    by: Annotated[str, typer.Option(help="What is compared: atoms, codes or effect.")] = "atoms",
    store: Annotated[
        list[str] | None,
        typer.Option(help="By codes, the store of both sides, or one for each. Repeatable."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="By effect, the model whose logits are compared.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Draws of the null.")] = 8,
    seed: Seed = None,
) -> None:
    """Match features of two dictionaries, layers, seeds, models or training steps.

    \b
    Examples:
      sparsetime match runs/x/topk runs/y/topk
      sparsetime match runs/x/topk/features runs/y/topk/features --by codes
    """
    from sparsetime import open_store
    from sparsetime.errors import ConfigError
    from sparsetime.matching.match import match as matched

    stores = [open_store(path) for path in store or ()]
    if len(stores) > 2:
        raise ConfigError(f"got {len(stores)} stores, expected one for both sides or one for each")
    loaded = None
    if model is not None:
        from sparsetime.cli.model_argument import named_model
        from sparsetime.models.load import load_model

        loaded = load_model(named_model(model)).model
    found = matched(
        _opened(left),
        _opened(right),
        by,
        store=(stores[0], stores[1]) if len(stores) == 2 else stores[0] if stores else None,
        model=loaded,
        draws=draws,
        seed=seed or 0,
    )
    shown = table("left", "right", "similarity", "mutual", "null")
    for row in found.table().slice(0, _SHOWN).to_pylist():
        numbers = [f"{row[name]:.2f}" for name in ("similarity", "null")]
        mutual = "yes" if row["mutual"] else "no"
        shown.add_row(str(row["left"]), str(row["right"]), numbers[0], mutual, numbers[1])
    stdout().print(shown)
    say(
        f"{found.names[0]} and {found.names[1]}: {len(found.left):,} features on the left, "
        f"{int(found.mutual.sum()):,} mutual, {int(found.beyond_null.sum()):,} beyond the null "
        f"({found.null_is})"
    )


def _opened(path: str) -> Matchable:
    from sparsetime import load, open_index
    from sparsetime.features.index_files import RECORD
    from sparsetime.files import Folder

    return open_index(path) if Folder(path).exists(RECORD) else load(path)
