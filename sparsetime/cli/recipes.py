"""sparsetime recipes: list the published methods of all kinds, or show one card in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import stdout, table

if TYPE_CHECKING:
    from sparsetime.registry import Card


@app.command()
def recipes(
    name: Annotated[str, typer.Argument(help="Show this recipe in full.")] = "",
) -> None:
    """List the published methods of all kinds, or show one in full.

    \b
    Examples:
      sparsetime recipes
      sparsetime recipes topk
    """
    from sparsetime.registry import CARDS, recipe_kinds
    from sparsetime.registry import recipes as cards_of

    if not name:
        shown = table("recipe", "kind", "needs", "what it is")
        for kind in recipe_kinds():
            for card in cards_of(kind):
                shown.add_row(card.name, kind, _needs(card), card.title)
        stdout().print(shown)
        return
    card = CARDS[name]
    shown = table("", "")
    for label in ("kind", "title", "idea", "paper", "claim", "cost"):
        shown.add_row(label, getattr(card, label))
    shown.add_row("needs", _needs(card))
    shown.add_row(
        "components", ", ".join(f"{role} {kind}" for role, kind in card.components.items())
    )
    shown.add_row("defaults", ", ".join(f"{key}={value}" for key, value in card.defaults.items()))
    shown.add_row("their source", card.source_of_defaults)
    shown.add_row("checked", _result(card.name))
    stdout().print(shown)


def _needs(card: Card) -> str:
    """What the method reads, such as the fields of a training batch."""
    return ", ".join([card.reads, *sorted(card.needs)])


def _result(name: str) -> str:
    """What the latest check of the claim of that name found."""
    from sparsetime.claims.verdicts.results import latest_records

    record = latest_records().get(name)
    if record is None:
        return f"not yet; sparsetime claim {name} checks the claim"
    spreads = {name: record.spread(name) for name in record.values}
    values = (f"{value} {mean:.4g} ± {spread:.2g}" for value, (mean, spread) in spreads.items())
    when = f"{record.verdict}, {record.date[:10]}, {len(record.seeds)} seeds"
    return f"{when}: {'; '.join(values)}"
