"""sparsetime classify: a label from pooled codes, against hidden states and a bag of tokens."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    DictionaryPath,
    Seed,
    SegmentSteps,
    StorePath,
    say,
    stdout,
    table,
)


@app.command()
def classify(
    dictionary: DictionaryPath,
    store: StorePath,
    label: Annotated[str, typer.Option(help="The label of steps or recordings to predict.")],
    pool: Annotated[str, typer.Option(help="mean or last: how steps are pooled.")] = "mean",
    binary: Annotated[
        bool, typer.Option("--binary", help="Count only which features are active.")
    ] = False,
    steps: SegmentSteps = 64,
    seed: Seed = None,
) -> None:
    """Predict a label of segments from pooled codes, on recordings that are held out.

    \b
    Example:
      sparsetime classify --dictionary runs/x/topk --store runs/x/activations --label topic
    """
    from sparsetime import classify, load, open_store

    found = classify(
        load(dictionary), open_store(store), label, pool=pool, binary=binary,
        steps=steps or None, seed=seed or 0,
    )  # fmt: skip
    shown = table("predicted from", "macro F1", "interval", "null")
    for name, one in found.scores.items():
        between = "-" if one.interval is None else f"{one.interval[0]:.2f} to {one.interval[1]:.2f}"
        shown.add_row(name, f"{one.value:.3f}", between, f"{one.null:.2f}")
    stdout().print(shown)
    say(
        f"{label}: {len(found.classes)} classes, {found.train:,} segments to train on, "
        f"{found.test:,} of held-out recordings"
    )
