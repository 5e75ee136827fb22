"""sparsetime recipes: list the published architectures, or show one card in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import stdout, table
from sparsetime.errors import unknown_name

if TYPE_CHECKING:
    from sparsetime.dictionaries.recipes import Recipe


@app.command()
def recipes(
    name: Annotated[str, typer.Argument(help="Show this recipe in full.")] = "",
) -> None:
    """List the architectures that can be trained, or show one in full.

    \b
    Examples:
      sparsetime recipes
      sparsetime recipes topk
    """
    from sparsetime import recipes as cards

    known = {card.name: card for card in cards()}
    if not name:
        shown = table("recipe", "needs", "what it is")
        for card in known.values():
            shown.add_row(card.name, _needs(card), card.title)
        stdout().print(shown)
        return
    if name not in known:
        raise unknown_name("recipe", name, known)
    card = known[name]
    shown = table("", "")
    for label in ("title", "idea", "paper", "claim", "cost"):
        shown.add_row(label, getattr(card, label))
    shown.add_row("needs", _needs(card))
    shown.add_row("parts", ", ".join(f"{role} {kind}" for role, kind in card.components.items()))
    shown.add_row("defaults", ", ".join(f"{key}={value}" for key, value in card.defaults.items()))
    shown.add_row("their source", card.source_of_defaults)
    shown.add_row("checked", _result(name))
    stdout().print(shown)


def _needs(card: Recipe) -> str:
    """What a training batch holds."""
    return ", ".join(["rows", *sorted(card.needs)])


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
