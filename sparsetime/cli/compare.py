"""sparsetime compare: compare features between two values of a label of recordings."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    SHOWN,
    Config,
    Draws,
    IndexOption,
    Seed,
    Sets,
    StoreOption,
    given,
    say,
    say_rest,
    stdout,
    table,
)
from sparsetime.config import read_config


@app.command()
def compare(
    config: Config = None,
    index: IndexOption = None,
    store: StoreOption = None,
    label: Annotated[str | None, typer.Option(help="A label of recordings.")] = None,
    value: Annotated[
        list[str] | None, typer.Option(help="A value of it; give the option twice.")
    ] = None,
    within: Annotated[
        str | None,
        typer.Option(help="Another label, such as a subject, within whose values to compare."),
    ] = None,
    draws: Draws = None,
    seed: Seed = None,
    sets: Sets = None,
) -> None:
    """Compare the firing rate of every feature between two conditions, by recording.

    \b
    Example:
      sparsetime compare --index runs/x/topk/features --store runs/x/activations \\
        --label speaker --value anna --value ben
    """
    import numpy as np

    from sparsetime import compare_conditions, open_index, open_store
    from sparsetime.cli.run_file import CompareSection

    flags = given(
        sets, index=index, store=store, label=label, values=value, within=within, draws=draws,
        seed=seed,
    )  # fmt: skip
    chosen = read_config(config, CompareSection, flags, section="compare")
    compared = compare_conditions(
        open_index(chosen.index), open_store(chosen.store), chosen.label, *chosen.values,
        within=chosen.within, draws=chosen.draws, seed=chosen.seed,
    )  # fmt: skip
    names = [name for name in compared.column_names if name != "feature"]
    values = {name.rsplit(" ", 1)[-1]: compared[name].to_numpy() for name in names}
    # "rate a" and "rate b" end in the letter of their condition.
    order = np.argsort(np.nan_to_num(values["p"], nan=2.0), kind="stable")[:SHOWN]
    shown = table("feature", *chosen.values, "difference", "95% interval", "p", "q")
    for feature in order.tolist():
        low, high = (f"{values[name][feature]:+.3f}" for name in ("low", "high"))
        numbers = [f"{values[name][feature]:.3f}" for name in ("a", "b")]
        shown.add_row(
            str(feature), *numbers, f"{values['difference'][feature]:+.3f}", f"{low} to {high}",
            *(f"{values[name][feature]:.2g}" for name in ("p", "q")),
        )  # fmt: skip
    stdout().print(shown)
    say_rest(len(values["q"]))
    count = int((values["q"] <= 0.05).sum())
    say(f"{chosen.index}: {count:,} of {len(values['q']):,} features differ with q <= 0.05")
