"""sparsetime capture: run a model over data and store activations of its sites."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import named_model
from sparsetime.cli.options import (
    Config,
    Data,
    ExcludeFirst,
    ExcludeNorm,
    ExcludeTokens,
    Force,
    Model,
    Out,
    Sets,
    given,
    say,
)
from sparsetime.config import read_config

# Keys of the section that are arguments of `sparsetime.capture` by the same name.
_PASSED_ON = {
    *("window", "overlap", "batch", "dtype", "time_axis", "keep_input", "force"),
    *("labels", "events"),
    *("rate", "offset", "feature_map", "input_layout"),
}


@app.command()
def capture(
    config: Config = None,
    model: Model = None,
    data: Data = None,
    site: Annotated[
        list[str] | None, typer.Option(help="A site of the model; see `sites`. Repeatable.")
    ] = None,
    out: Out = None,
    labels: Annotated[
        str | None, typer.Option(help="A table `id, label, …` (.csv, .tsv or .parquet).")
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option(help="A table `onset, duration, trial_type`, and `id`. Repeatable."),
    ] = None,
    window: Annotated[int | None, typer.Option(help="Longest segment run at once, steps.")] = None,
    overlap: Annotated[int | None, typer.Option(help="Steps of context before a window.")] = None,
    batch: Annotated[int | None, typer.Option(help="Windows run at once.")] = None,
    dtype: Annotated[str | None, typer.Option(help="auto, float32, float16 or bfloat16.")] = None,
    exclude_first: ExcludeFirst = None,
    exclude_token: ExcludeTokens = None,
    exclude_norm: ExcludeNorm = None,
    rate: Annotated[
        float | None, typer.Option(help="Rows a unit of time; found from shapes if left out.")
    ] = None,
    offset: Annotated[float | None, typer.Option(help="Time of the first row.")] = None,
    feature_map: Annotated[
        str | None, typer.Option(help="Places of a feature map: flatten, pool or features.")
    ] = None,
    input_layout: Annotated[
        str | None, typer.Option(help="Axes of the model's input, such as 'b c t'.")
    ] = None,
    keep_input: Annotated[
        bool | None,
        typer.Option("--keep-input", help="Keep what the model is given, at its own rate."),
    ] = None,
    on_bad: Annotated[
        str | None, typer.Option(help="A file that is not UTF-8: refuse or skip.")
    ] = None,
    force: Force = None,
    sets: Sets = None,
) -> None:
    """Run a model over data and store the activations of a site, in order.

    An interrupted run resumes from its last finished shard when the command is repeated. Under
    torchrun every process captures a part of the documents, and the last one joins the parts.

    \b
    Examples:
      sparsetime capture --model my-model --data texts \\
        --site encoder.layer.1 --out runs/x/activations
      sparsetime capture --model my_model.py:build --data "eeg/*.edf" \\
        --site rnn --out runs/y/activations --labels subjects.csv --events events.tsv
      sparsetime capture --model my_model.py:build --data arrays \\
        --site rnn --out runs/z/activations --set step=0.01 --set unit=second
      sparsetime capture --config run.yaml --dtype float16
      torchrun --nproc-per-node 2 -m sparsetime capture --config run.yaml
    """
    from sparsetime import capture as run
    from sparsetime.activations.capture.capture_part import CapturePart
    from sparsetime.activations.store.join import join_finished
    from sparsetime.cli.run_file import CaptureSection

    flags = given(
        sets,
        model=model,
        data=data,
        site=site[0] if site and len(site) == 1 else site,
        out=out,
        labels=labels,
        events=events,
        window=window,
        overlap=overlap,
        batch=batch,
        dtype=dtype,
        exclude_first=exclude_first,
        exclude_tokens=exclude_token,
        exclude_norm=exclude_norm,
        rate=rate,
        offset=offset,
        feature_map=feature_map,
        input_layout=input_layout,
        keep_input=keep_input,
        on_bad=on_bad,
        force=force,
    )
    chosen = read_config(config, CaptureSection, flags, section="capture")
    kept = _PASSED_ON & chosen.model_fields_set
    options = {name: getattr(chosen, name) for name in kept}
    options["exclusion"] = chosen.exclusion()
    # Before the model: headers of files are read at once.
    documents = chosen.documents(mixed_rates=chosen.rate is not None)
    part = CapturePart.of_environment(os.environ) if chosen.part is None else chosen.part
    stores = run(
        named_model(chosen.model), documents, chosen.site, chosen.out, part=part, **options
    )
    shown = list(stores) if isinstance(stores, list) else [stores]
    if part is not None:
        shown += join_finished([store.path for store in shown], CapturePart.of(part), chosen.out)
    for store in shown:
        count = store.sequences.num_rows
        say(f"{store.path}: {len(store):,} steps of {count:,} sequences, width {store.d}")
