"""sparsetime evaluate: measure a dictionary on held-out documents."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    Config,
    DictionaryOption,
    Sets,
    StoreOption,
    given,
    say,
    stdout,
    table,
)
from sparsetime.config import read_config


@app.command()
def evaluate(
    config: Config = None,
    dictionary: DictionaryOption = None,
    store: StoreOption = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="A family of figures; all without it. Repeatable.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="The folder to write to; by default the dictionary's.")
    ] = None,
    held_out: Annotated[
        float | None, typer.Option(help="Share held out in training; 0 takes all documents.")
    ] = None,
    sets: Sets = None,
) -> None:
    """Measure a dictionary on documents that it was not trained on.

    \b
    Examples:
      sparsetime evaluate --dictionary runs/x/topk --store runs/x/activations
      sparsetime evaluate --config run.yaml --metric persistence
    """
    from sparsetime import evaluate as run
    from sparsetime import load
    from sparsetime.cli.run_file import EvaluateSection

    flags = given(
        sets, dictionary=dictionary, store=store, metrics=metric, out=out, held_out=held_out
    )
    chosen = read_config(config, EvaluateSection, flags, section="evaluate")
    _, source = chosen.parts()
    report = run(load(chosen.dictionary), source, metrics=chosen.metrics)
    folder = chosen.out or chosen.dictionary
    report.save(folder)
    shown = table("figure", "value", "what it is")
    for name, figure in report.items():
        if isinstance(figure.value, int | float):
            # A part's figure is defined as the whole's is.
            what = "" if "/" in name else figure.definition
            shown.add_row(name, f"{figure.value:.4g}", what)
    stdout().print(shown)
    for name, reason in report.left_out.items():
        say(f"left out: {name}: {reason}")
    say(f"{folder}: {len(report)} figures in evaluation.json")
