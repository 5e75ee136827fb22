"""sparsetime index: index the features of a dictionary on a store."""

from __future__ import annotations

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    Config,
    DictionaryOption,
    Force,
    Out,
    Sets,
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
    force: Force = None,
    sets: Sets = None,
) -> None:
    """Index every feature: its top activations, density and timescale, and every sequence's code.

    Where the training kept snapshots, the features get a history.

    \b
    Example:
      sparsetime index --dictionary runs/x/topk --store runs/x/activations
    """
    from sparsetime import index as run
    from sparsetime import load, open_store
    from sparsetime.cli.run_file import IndexSection

    flags = given(sets, dictionary=dictionary, store=store, out=out, force=force)
    chosen = read_config(config, IndexSection, flags, section="index")
    path = chosen.out or f"{chosen.dictionary.rstrip('/')}/features"
    sae, source = load(chosen.dictionary), open_store(chosen.store)
    run(sae, source, out=path, force=chosen.force, run=chosen.dictionary)
    say(f"{path}: indexed")
