"""sparsetime evaluate: measure a dictionary on held-out documents."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import (
    Config,
    DictionaryOption,
    ExcludeFirst,
    ExcludeNorm,
    ExcludeTokens,
    Sets,
    SplitBy,
    SplitLabel,
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
        list[str] | None, typer.Option(help="A metric or a family; all without it. Repeatable.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="The folder to write to; by default the dictionary's.")
    ] = None,
    held_out: Annotated[
        float | None, typer.Option(help="Share held out in training; 0 takes all documents.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help=f"The store's model, for the increase in cross-entropy. {MODEL_HELP}"),
    ] = None,
    split_by: SplitBy = None,
    split_label: SplitLabel = None,
    by: Annotated[
        str | None, typer.Option(help="A label of sequences; metrics of each of its values too.")
    ] = None,
    exclude_first: ExcludeFirst = None,
    exclude_token: ExcludeTokens = None,
    exclude_norm: ExcludeNorm = None,
    sets: Sets = None,
) -> None:
    """Compute the metrics of a dictionary on held-out documents.

    \b
    Examples:
      sparsetime evaluate --dictionary runs/x/topk --store runs/x/activations
      sparsetime evaluate --config run.yaml --metric persistence
      sparsetime evaluate --config run.yaml --split-label subject --by subject
      sparsetime evaluate --config run.yaml --metric ce_increase --model models.py:make
    """
    from sparsetime import evaluate as run
    from sparsetime import load
    from sparsetime.activations.store.provenance import data_sentence
    from sparsetime.cli.run_file import EvaluateSection
    from sparsetime.explorer.metrics_table import in_time
    from sparsetime.explorer.step_units import step_time

    flags = given(
        sets,
        dictionary=dictionary,
        store=store,
        metrics=metric,
        out=out,
        held_out=held_out,
        model=model,
        split_by=split_by,
        split_label=split_label,
        by=by,
        exclude_first=exclude_first,
        exclude_tokens=exclude_token,
        exclude_norm=exclude_norm,
    )
    chosen = read_config(config, EvaluateSection, flags, section="evaluate")
    _, source = chosen.parts()
    spliced = None if chosen.model is None else named_model(chosen.model)
    report = run(
        load(chosen.dictionary),
        source,
        metrics=chosen.metrics,
        model=spliced,
        by=chosen.by,
        exclusion=chosen.exclusion(),
    )
    folder = chosen.out or chosen.dictionary
    report.save(folder)
    duration = step_time([source])
    shown = table("metric", "value", "definition")
    for name, metric_value in report.items():
        if isinstance(metric_value.value, int | float):
            # A metric of a nested group has the definition of the whole's.
            definition = "" if "/" in name else metric_value.definition
            value, timed = f"{metric_value.value:.4g}", in_time(metric_value, duration)
            shown.add_row(
                name, f"{timed} ({value} {metric_value.unit})" if timed else value, definition
            )
    stdout().print(shown)
    say(f"measured on: {data_sentence(source, report.about['seen_in_training'])}")
    for group, values in report.groups.items():
        numbers = {n: v.value for n, v in values.items() if isinstance(v.value, int | float)}
        say(f"{chosen.by} {group}: " + ", ".join(f"{n} {x:.4g}" for n, x in numbers.items()))
    for name, reason in report.left_out.items():
        say(f"left out: {name}: {reason}")
    say(f"{folder}: {len(report)} metrics in evaluation.json")
