"""sparsetime needs-time: which features change when the steps of the input change places."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.model_on_data import documents_of
from sparsetime.cli.options import SHOWN, Data, Sets, say, say_rest, stdout, table
from sparsetime.config import assignments


@app.command("needs-time")
def needs_time(
    index: Annotated[str, typer.Option(help="The folder of an index: runs/x/topk/features.")],
    dictionary: Annotated[str, typer.Option(help="The folder of the dictionary indexed.")],
    store: Annotated[str, typer.Option(help="The store that was indexed: path or URL.")],
    model: Annotated[str, typer.Option(help=MODEL_HELP)],
    data: Data = None,
    shuffles: Annotated[int, typer.Option(help="Random orders, at least 2.")] = 2,
    block: Annotated[int, typer.Option(help="Rows that stay together.")] = 1,
    steps: Annotated[int, typer.Option(help="Steps to read, of whole sequences.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the orders.")] = 0,
    sets: Sets = None,
) -> None:
    """Measure what each feature loses when the steps of the model's input change places.

    The model, the store's, reads --data in order and in random orders, or what the store keeps
    (texts, or capture --keep-input). Beside each feature stand the same between two random orders,
    and its rank among random directions in an untrained copy of the model. --set gives options of
    the reader of --data.

    \b
    Examples:
      sparsetime needs-time --index runs/x/topk/features --dictionary runs/x/topk \\
        --store runs/x/activations --model my-model
      sparsetime needs-time --index runs/x/topk/features --dictionary runs/x/topk \\
        --store runs/x/activations --model my_model.py:build --data "eeg/*.edf" --block 10
    """
    import numpy as np

    import sparsetime as st

    documents: Any = None if data is None else documents_of(data, assignments(sets or ()))
    opened = st.open_index(index)
    found = st.features.needs_time(
        *(opened, st.load(dictionary), st.open_store(store), named_model(model), documents),
        shuffles=shuffles,
        block=block,
        steps=steps,
        seed=seed,
    )
    shown = table("feature", "needs time", "of two orders", "rank", "level")
    known = np.flatnonzero(np.isfinite(found.needs_time))
    for feature in known[np.argsort(-found.needs_time[known], kind="stable")][:SHOWN].tolist():
        values = (found.needs_time, found.of_orders, found.rank, found.level)
        shown.add_row(str(feature), *(f"{value[feature]:.2f}" for value in values))
    stdout().print(shown)
    say_rest(len(known))
    middle = float(np.median(found.needs_time[known])) if len(known) else float("nan")
    null = float(np.median(found.untrained)) if len(found.untrained) else float("nan")
    say(
        f"{index}: median need {middle:.2f}, of random directions in an untrained copy {null:.2f}; "
        f"{len(known):,} features, {found.steps:,} steps"
    )
