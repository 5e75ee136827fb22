"""sparsetime monitor: set alarms on held-out recordings, and watch others with them."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import named_model
from sparsetime.cli.options import (
    Config,
    Data,
    DictionaryOption,
    Model,
    Out,
    Seed,
    Sets,
    SplitBy,
    SplitLabel,
    StoreOption,
    given,
    named_texts,
    say,
)
from sparsetime.config import assignments, read_config
from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    from sparsetime.monitors.detection import Detection


@app.command()
def monitor(
    config: Config = None,
    dictionary: DictionaryOption = None,
    store: StoreOption = None,
    alarm: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FEATURES", help="A feature, a list [3, 7], or a name. Repeatable."
        ),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TYPE", help="The trial_type that an alarm is to find."),
    ] = None,
    false_alarms: Annotated[
        float | None, typer.Option(help="False alarms an hour that are allowed.")
    ] = None,
    out: Out = None,
    model: Model = None,
    data: Data = None,
    split_by: SplitBy = None,
    split_label: SplitLabel = None,
    seed: Seed = None,
    sets: Sets = None,
) -> None:
    """Set alarms on held-out recordings, measure errors and delays, and watch other recordings.

    Thresholds are set on half of the recordings, results are from the other half. With --model and
    --data the recordings are captured with the settings of the store, and a line of JSON is printed
    for each alarm and each window whose firing rates drift.

    \b
    Examples:
      sparsetime monitor --dictionary runs/x/topk --store runs/x/held_out \\
        --alarm seizure=12 --alarm burst='[3, 7]' --false-alarms 1 --out runs/x/monitor
      sparsetime monitor --config run.yaml --model my_model.py:build --data "new/*.edf"
    """
    from sparsetime import load, open_index, open_store, read
    from sparsetime import monitor as run
    from sparsetime.cli.run_file import MonitorSection
    from sparsetime.monitors.watch import json_line
    from sparsetime.monitors.watch_recordings import watch_recordings

    flags = given(
        sets, dictionary=dictionary, store=store, out=out, model=model, data=data,
        alarms=assignments(alarm or (), "--alarm") or None,
        events=named_texts(event, "--event", "TYPE"), false_alarms=false_alarms,
        split_by=split_by, split_label=split_label, seed=seed,
    )  # fmt: skip
    chosen = read_config(config, MonitorSection, flags, section="monitor")
    if (chosen.data is None) != (chosen.model is None):
        raise ConfigError("got one of model and data, expected both or neither")
    sae, held_out = load(chosen.dictionary), open_store(chosen.store)
    made = run(
        sae,
        held_out,
        chosen.alarms,
        false_alarms=chosen.false_alarms,
        events=chosen.events,
        training=None if chosen.training is None else open_store(chosen.training),
        index=None if chosen.index is None else open_index(chosen.index),
        hold=chosen.hold,
        late=chosen.late,
        drift_window=chosen.drift_window,
        by=chosen.split_by,
        label=chosen.split_label,
        seed=chosen.seed,
        out=chosen.out,
    )
    for name, detection in made.detections.items():
        say(f"{name}: threshold {made.thresholds[name]:.4g}; {_results(detection)}")
    say(f"drift: {made.drift_rate:.3g} windows an hour over {made.drift_threshold:.4g}")
    say(
        f"{chosen.out}: thresholds {made.about['thresholds_from']}; "
        f"results {made.about['detections_from']}"
    )
    if chosen.data is not None and chosen.model is not None:
        recordings = read(chosen.data, **chosen.read)
        model_of_run = named_model(chosen.model)
        for line in watch_recordings(made, sae, model_of_run, recordings, held_out):
            say(json_line(line))


def _results(detection: Detection) -> str:
    """False alarms, misses and delays of an alarm, in words."""
    if detection.false_rate is None or detection.interval is None:
        text = "no hours without events"
    else:
        low, high = detection.interval
        text = (
            f"{detection.false_rate:.3g} false alarms an hour (95% {low:.3g} to {high:.3g}, "
            f"{detection.hours:.3g} hours)"
        )
    if not detection.events:
        return f"{text}; no events of its type"
    text += f"; {detection.missed} of {detection.events} events missed"
    if detection.chance is not None:
        text += f" ({1 - detection.chance:.0%} by chance)"
    if detection.delays:
        text += f", median delay {statistics.median(detection.delays):.3g} s"
    return text
