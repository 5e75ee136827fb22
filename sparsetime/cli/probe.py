"""sparsetime probe: how well a label is read from a model, beside an untrained copy of it."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.model_on_data import documents_of
from sparsetime.cli.options import Sets, say, stdout, table
from sparsetime.config import assignments


@app.command()
def probe(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    site: Annotated[str, typer.Option(help="The site to read.")],
    label: Annotated[str, typer.Option(help="A label of the data's steps or recordings.")],
    data: Annotated[list[str], typer.Option(help="Texts or recordings, as in capture.")],
    labels: Annotated[
        str | None, typer.Option(help="A table of labels, a row a recording, as in capture.")
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", help="The columns that the probe reads; all without it.")
    ] = None,
    dictionary: Annotated[
        str | None, typer.Option(help="A dictionary of the site, read beside.")
    ] = None,
    pool: Annotated[str, typer.Option(help="mean or last: what is read of a recording.")] = "mean",
    seed: Annotated[int, typer.Option(help="Seed of the split and of the untrained copy.")] = 0,
    sets: Sets = None,
) -> None:
    """Read a label from a site by a linear probe, beside an untrained copy of the model.

    Beside them stand the raw input and the same model on steps in a random order: what they read
    too is not due to the training, or not to time. --set gives options of the reader of --data.

    \b
    Examples:
      sparsetime probe my-model --site encoder.layer.1 --label half --data texts.jsonl
      sparsetime probe my_model.py:build --site rnn --label group --data "eeg/*.edf" \\
        --labels subjects.csv --pool last
    """
    import sparsetime as st

    documents = documents_of(data, assignments(sets or ()))
    report = st.probe(
        named_model(model),
        label,
        documents,
        site,
        labels=labels,
        k=k,
        dictionary=None if dictionary is None else st.load(dictionary),
        pool=pool,
        seed=seed,
    )
    shown = table("reader", "accuracy", "95% interval", "AUROC", "most common")
    for reader, result in report.readers.items():
        low, high = result.interval
        auroc = "" if result.auroc is None else f"{result.auroc:.2f}"
        values = (f"{result.accuracy:.2f}", f"{low:.2f} to {high:.2f}", auroc)
        shown.add_row(reader, *values, f"{result.baseline:.2f}")
    stdout().print(shown)
    for reader, why in report.left_out.items():
        say(f"{reader} is left out: {why}")
    result = report["activations"]
    say(f"{report.label} of {report.of}: {result.train_steps} to fit, {result.test_steps} to score")
