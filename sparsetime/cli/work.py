"""Commands that make things: capture, train, evaluate, index."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import (
    Config,
    DictionaryOption,
    Force,
    Out,
    Sets,
    StoreOption,
    given,
    say,
    stdout,
    table,
)
from sparsetime.config import read_config


@app.command()
def capture(
    config: Config = None,
    model: Annotated[str | None, typer.Option(help=MODEL_HELP)] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Text files, or .npy series: a file, a folder or a glob. Repeatable."),
    ] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="A site of the model; see `sites`. Repeatable.")
    ] = None,
    out: Out = None,
    window: Annotated[int | None, typer.Option(help="Longest segment run at once, steps.")] = None,
    overlap: Annotated[int | None, typer.Option(help="Steps of context before a window.")] = None,
    batch: Annotated[int | None, typer.Option(help="Windows run at once.")] = None,
    dtype: Annotated[str | None, typer.Option(help="auto, float32, float16 or bfloat16.")] = None,
    on_bad: Annotated[
        str | None, typer.Option(help="A file that is not UTF-8: refuse or skip.")
    ] = None,
    force: Force = None,
    sets: Sets = None,
) -> None:
    """Run a model over data and store the activations of a site, in order.

    A run that was interrupted goes on from its last finished shard when the command is repeated.

    \b
    Examples:
      sparsetime capture --model my-model --data texts \\
        --site encoder.layer.1 --out runs/x/activations
      sparsetime capture --model my_model.py:build --data recordings \\
        --site rnn --out runs/y/activations --set step=0.01 --set unit=second
      sparsetime capture --config run.yaml --dtype float16
    """
    from sparsetime import capture as run
    from sparsetime.cli.runfile import CaptureSection

    flags = given(
        sets,
        model=model,
        data=data,
        site=site[0] if site and len(site) == 1 else site,
        out=out,
        window=window,
        overlap=overlap,
        batch=batch,
        dtype=dtype,
        on_bad=on_bad,
        force=force,
    )
    chosen = read_config(config, CaptureSection, flags, section="capture")
    kept = {"window", "overlap", "batch", "dtype", "time_axis", "force"} & chosen.model_fields_set
    options = {name: getattr(chosen, name) for name in kept}
    documents = chosen.documents()  # before the model: files are looked at in no time
    stores = run(named_model(chosen.model), documents, chosen.site, chosen.out, **options)
    for store in stores if isinstance(stores, list) else [stores]:
        count = store.sequences.num_rows
        say(f"{store.path}: {len(store):,} steps of {count:,} sequences, width {store.d}")


@app.command()
def train(
    config: Config = None,
    store: StoreOption = None,
    recipe: Annotated[str | None, typer.Option(help="The architecture; see `recipes`.")] = None,
    width: Annotated[int | None, typer.Option(help="Number of features.")] = None,
    k: Annotated[int | None, typer.Option(help="Active features a step, where fixed.")] = None,
    out: Out = None,
    rows: Annotated[int | None, typer.Option(help="Activation rows to learn from.")] = None,
    batch: Annotated[int | None, typer.Option(help="Rows in a training step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the weights and of the order.")] = None,
    held_out: Annotated[
        float | None, typer.Option(help="Share of the documents kept for evaluation.")
    ] = None,
    force: Force = None,
    sets: Sets = None,
) -> None:
    """Train a dictionary on a store.

    A run that was interrupted goes on from its last checkpoint when the command is repeated.

    \b
    Examples:
      sparsetime train --store runs/x/activations --recipe topk \\
        --width 256 --k 8 --rows 20000 --out runs/x/topk
      sparsetime train --config run.yaml --set dictionary.k=16
    """
    from sparsetime import train as run
    from sparsetime.cli.runfile import TrainSection

    flags = given(
        sets,
        store=store,
        out=out,
        rows=rows,
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
        held_out=held_out,
        force=force,
        **{"dictionary.recipe": recipe, "dictionary.width": width, "dictionary.k": k},
    )
    chosen = read_config(config, TrainSection, flags, section="train")
    source, _ = chosen.parts()
    sae = chosen.dictionary.build(source.d, chosen.seed)
    result = run(sae, source, out=chosen.out, force=chosen.force, **chosen.training())
    last = result.metrics[-1]
    figures = ", ".join(
        f"{name} {last[name]:.4g}" for name in ("fvu", "l0", "dead") if name in last
    )
    say(f"{result.path}: {figures}")


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
      sparsetime evaluate --config run.yaml --metric timing
    """
    from sparsetime import evaluate as run
    from sparsetime import load
    from sparsetime.cli.runfile import EvaluateSection

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


@app.command()
def index(
    config: Config = None,
    dictionary: DictionaryOption = None,
    store: StoreOption = None,
    out: Out = None,
    force: Force = None,
    sets: Sets = None,
) -> None:
    """Index every feature: its top moments, density and timescale, and every sequence's code.

    Where the training kept snapshots, the features get a history.

    \b
    Example:
      sparsetime index --dictionary runs/x/topk --store runs/x/activations
    """
    from sparsetime import index as run
    from sparsetime import load, open_store
    from sparsetime.cli.runfile import IndexSection

    flags = given(sets, dictionary=dictionary, store=store, out=out, force=force)
    chosen = read_config(config, IndexSection, flags, section="index")
    path = chosen.out or f"{chosen.dictionary.rstrip('/')}/features"
    sae, source = load(chosen.dictionary), open_store(chosen.store)
    run(sae, source, out=path, force=chosen.force, run=chosen.dictionary)
    say(f"{path}: indexed")
