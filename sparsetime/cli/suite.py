"""sparsetime suite: train a dictionary for every site of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import named_model
from sparsetime.cli.options import (
    Config,
    Data,
    Force,
    Model,
    Out,
    Recipe,
    Sets,
    given,
    say,
    stdout,
    table,
)
from sparsetime.config import read_config


@app.command()
def suite(
    config: Config = None,
    model: Model = None,
    data: Data = None,
    sites: Annotated[
        list[str] | None,
        typer.Option(help="Sites, with * for one step of a path: 'layers.*'. Repeatable."),
    ] = None,
    out: Out = None,
    recipe: Recipe = None,
    width: Annotated[
        list[int] | None, typer.Option(help="Number of features. Repeatable: each is trained.")
    ] = None,
    k: Annotated[int | None, typer.Option(help="Active features a step, where fixed.")] = None,
    rows: Annotated[int | None, typer.Option(help="Rows that each dictionary learns from.")] = None,
    context: Annotated[
        list[int] | None,
        typer.Option(
            help="Tokens of a context on which the rise of the loss is measured. Repeatable."
        ),
    ] = None,
    copy: Annotated[
        list[str] | None,
        typer.Option(help="Measure it in these weights too, such as a fine-tuned model's."),
    ] = None,
    force: Force = None,
    sets: Sets = None,
) -> None:
    """Train a dictionary for every site of a model, and write a page of metrics over its depth.

    The model runs once for all sites; the metrics are of held-out documents. An
    interrupted run resumes when the command is repeated, and a finished one can add contexts and
    copies. The loss needs a model with its head, as a function of your own gives it.

    \b
    Examples:
      sparsetime suite --model my-model --data texts --sites 'encoder.layer.*' \\
        --width 256 --k 8 --rows 20000 --out runs/suite
      sparsetime suite --model models.py:make --data texts --sites 'model.layers.*' \\
        --sites 'model.layers.*.mlp' --width 4096 --width 16384 --k 32 \\
        --context 128 --context 1024 --copy models.py:tuned --out runs/suite
      sparsetime suite --config run.yaml --set capture.window=128 --set train.seed=1
    """
    from sparsetime import report
    from sparsetime import suite as run
    from sparsetime.cli.run_file import SuiteSection
    from sparsetime.models.load import load_model
    from sparsetime.suites.settings import SuiteSettings

    flags = given(
        sets,
        model=model,
        data=data,
        sites=sites,
        out=out,
        recipe=recipe,
        width=width,
        contexts=context,
        copies=copy,
        force=force,
        **{"settings.k": k, "train.rows": rows},
    )
    chosen = read_config(config, SuiteSection, flags, section="suite")
    documents = chosen.documents()  # before the model: files are looked at in no time
    settings = {name: getattr(chosen, name) for name in SuiteSettings.model_fields}
    trained = run(
        named_model(chosen.model),
        documents,
        **{**settings, **{part: settings[part].model_dump() for part in ("capture", "train")}},
        out=chosen.out,
        contexts=chosen.contexts,
        copies={name: load_model(named_model(name)).model for name in chosen.copies},
        force=chosen.force,
    )
    columns = [f"CE increase, {name}" for name in trained.increases]
    shown = table("site", "width", "FVU", "L0", "dead", *columns)
    for entry in trained.entries:
        values = (f"{entry.fvu:.4f}", f"{entry.l0:.1f}", f"{entry.dead:.1%}")
        losses = (f"{entry.ce_increase.get(name, float('nan')):.4f}" for name in trained.increases)
        shown.add_row(entry.site, f"{entry.width:,}", *values, *losses)
    stdout().print(shown)
    say(f"{report(chosen.out)}: open it in a browser")
