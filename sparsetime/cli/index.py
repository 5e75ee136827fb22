"""sparsetime index: index the features of a dictionary on a store."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    Config,
    DictionaryOption,
    Force,
    Out,
    Sets,
    SplitBy,
    SplitLabel,
    StoreOption,
    given,
    say,
)
from sparsetime.config import read_config


@app.command()
def index(
    config: Config = None,
    dictionary: DictionaryOption = None,
    store: StoreOption = None,
    out: Out = None,
    held_out: Annotated[
        float | None,
        typer.Option(help="Index the share that training held out; by default all documents."),
    ] = None,
    split_by: SplitBy = None,
    split_label: SplitLabel = None,
    force: Force = None,
    sets: Sets = None,
) -> None:
    """Index every feature: its top activations, density and timescale, and every sequence's code.

    Where the training kept snapshots, the features get a history. With --held-out, scores of labels
    and events are of steps that the dictionary was not trained on.

    \b
    Examples:
      sparsetime index --dictionary runs/x/topk --store runs/x/activations
      sparsetime index --dictionary runs/x/topk --store runs/x/activations --held-out 0.3
    """
    from sparsetime import index as run
    from sparsetime import load
    from sparsetime.cli.run_file import IndexSection

    flags = given(
        sets,
        dictionary=dictionary,
        store=store,
        out=out,
        held_out=held_out,
        split_by=split_by,
        split_label=split_label,
        force=force,
    )
    chosen = read_config(config, IndexSection, flags, section="index")
    path = chosen.out or f"{chosen.dictionary.rstrip('/')}/features"
    sae, (_, source) = load(chosen.dictionary), chosen.parts()
    run(sae, source, out=path, force=chosen.force, run=chosen.dictionary)
    say(f"{path}: indexed" + (f"; {source.note}" if chosen.held_out else ""))
