"""sparsetime explain: explain features by rules, scored on held-out sequences."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    Config,
    IndexOption,
    Seed,
    Sets,
    StoreOption,
    given,
    say,
    stdout,
    table,
)
from sparsetime.config import read_config

_SHOWN = 20


@app.command()
def explain(
    config: Config = None,
    index: IndexOption = None,
    store: StoreOption = None,
    feature: Annotated[
        list[int] | None,
        typer.Option(help="A feature; all that are active often enough without it. Repeatable."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="A label that rules may read; all without it. Repeatable."),
    ] = None,
    moments: Annotated[
        int | None, typer.Option(help="Most active steps that choose or score a rule.")
    ] = None,
    seed: Seed = None,
    sets: Sets = None,
) -> None:
    """Explain when features fire, by rules over tokens, labels and what came before.

    Rules are chosen on half of the recordings, every number is from the other half. They name
    features that neither a person nor a label named.

    \b
    Examples:
      sparsetime explain --index runs/x/topk/features --store runs/x/activations
      sparsetime explain --index runs/x/topk/features --store runs/x/activations --feature 12
    """
    import pyarrow.compute as pc

    from sparsetime import explain, open_index, open_store
    from sparsetime.cli.run_file import ExplainSection

    flags = given(
        sets, index=index, store=store, features=feature, labels=label, moments=moments, seed=seed
    )
    chosen = read_config(config, ExplainSection, flags, section="explain")
    features = open_index(chosen.index)
    written = explain(
        features,
        open_store(chosen.store),
        chosen.features,
        labels=chosen.labels,
        moments=chosen.moments,
        seed=chosen.seed,
    )
    rows = [row for row in written.table.to_pylist() if row["part"] == "active"]
    scored = [row for row in rows if row["accuracy"] is not None]
    scored.sort(key=lambda row: -row["accuracy"])
    shown = table("feature", "rule", "accuracy", "swapped", "sensitivity")
    for row in scored[:_SHOWN]:
        numbers = [f"{row[name]:.2f}" for name in ("accuracy", "sensitivity")]
        swapped = "-" if row["swapped"] is None else f"{row['swapped']:.2f}"
        shown.add_row(str(row["feature"]), row["text"], numbers[0], swapped, numbers[1])
    stdout().print(shown)
    say(f"{written.about['rules']['halves'].replace('label and threshold', 'rules')}")
    names = features.column("explanation")
    named = len(names) - names.null_count
    mean = pc.mean(features.column("explanation_accuracy")).as_py()
    say(
        f"{chosen.index}: {len(rows):,} features explained, balanced accuracy {mean or 0:.3f} in "
        f"the mean; {named:,} named by their rule"
    )
