"""sparsetime perievent: average features around the onsets of events."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    SHOWN,
    Config,
    Draws,
    IndexOption,
    Seed,
    Sets,
    StoreOption,
    given,
    say,
    say_rest,
    stdout,
    table,
)
from sparsetime.config import read_config


@app.command()
def perievent(
    config: Config = None,
    index: IndexOption = None,
    store: StoreOption = None,
    label: Annotated[
        str | None,
        typer.Option(help="A label of steps whose changes are the events."),
    ] = None,
    before: Annotated[int | None, typer.Option(help="Steps before an onset.")] = None,
    after: Annotated[int | None, typer.Option(help="Steps after an onset.")] = None,
    draws: Draws = None,
    seed: Seed = None,
    sets: Sets = None,
) -> None:
    """Average every feature around the onsets of events, with latency and a null.

    \b
    Examples:
      sparsetime perievent --index runs/x/topk/features --store runs/x/activations
      sparsetime perievent --index runs/x/topk/features --store runs/x/activations --label note
    """
    from sparsetime import open_index, open_store, peri_event
    from sparsetime.cli.run_file import PerieventSection
    from sparsetime.explorer.step_units import words_of
    from sparsetime.features.events.onsets import label_onsets
    from sparsetime.features.events.peri_event import FEWEST_EVENTS

    flags = given(
        sets, index=index, store=store, label=label, before=before, after=after, draws=draws,
        seed=seed,
    )  # fmt: skip
    chosen = read_config(config, PerieventSection, flags, section="perievent")
    features, source = open_index(chosen.index), open_store(chosen.store)
    name = chosen.label
    events = source if name is None else label_onsets(features, source, name)
    averages = peri_event(
        features, events, before=chosen.before, after=chosen.after, draws=chosen.draws,
        seed=chosen.seed,
    )  # fmt: skip
    rows = sorted(averages.table.drop_columns(["curve"]).to_pylist(), key=lambda row: row["p"])
    shown = table("feature", "event", "onsets", "baseline", "peak", "latency", "q")
    time = words_of([source]).time
    for row in rows[:SHOWN]:
        rates = [f"{row[name]:.2f}" for name in ("baseline", "peak")]
        lag = row["latency"]
        latency = time.with_steps(lag) if time else f"{lag} step{'s' * (lag != 1)}"
        texts = [row["feature"], row["type"], row["events"], *rates, latency]
        shown.add_row(*map(str, texts), f"{row['q']:.2g}")
    stdout().print(shown)
    too_few = averages.about["too_few"]
    if too_few:
        say(f"left out, with fewer than {FEWEST_EVENTS} onsets: {', '.join(too_few)}")
    say_rest(len(rows))
    responding = sum(row["q"] <= 0.05 for row in rows)
    say(f"{chosen.index}: {responding:,} of {len(rows):,} responses with q <= 0.05")
