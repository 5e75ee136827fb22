"""sparsetime effects: measure the effect of an edit by lag."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import IndexOption, Out, say, stdout, table
from sparsetime.cli.steering_arguments import (
    EditOption,
    SiteOption,
    SteeredDictionaries,
    SteeredModel,
    SteeringArguments,
    UnitsOption,
    check_one_index,
    site_and_edit,
)

if TYPE_CHECKING:
    from sparsetime.steering import LagCurve, Response

_SHOWN = (0, 1, 2, 4, 8, 16, 32, 64)


@app.command()
def effects(
    model: SteeredModel,
    dictionary: SteeredDictionaries,
    edit: EditOption,
    store: Annotated[str, typer.Option(help="A store of texts, from which windows are taken.")],
    at: Annotated[
        str, typer.Option(help="onset: where the feature starts to be active; or a step.")
    ] = "onset",
    lags: Annotated[int, typer.Option(help="Steps behind the edit that are measured.")] = 32,
    hold: Annotated[int, typer.Option(help="Steps of the held edit.")] = 16,
    windows: Annotated[int, typer.Option(help="The most windows.")] = 32,
    null: Annotated[int, typer.Option(help="Random features to compare with.")] = 8,
    echo: Annotated[
        bool, typer.Option("--echo", help="Also write with the edit, and part what is left.")
    ] = False,
    units: UnitsOption = None,
    index: IndexOption = None,
    site: SiteOption = None,
    out: Out = None,
    seed: Annotated[
        int, typer.Option(help="Seed of the random features and of the intervals.")
    ] = 0,
) -> None:
    """Measure how large the effect of an edit is, how long it lasts, and what carries it.

    Edits of several sites act together; the first feature of the first is followed. --out saves
    it, into the folder of an index to show it in the explorer.

    \b
    Examples:
      sparsetime effects --model my-model --dictionary runs/x/topk --edit 12=1.0 \\
        --store runs/x/activations
      sparsetime effects --model my-model --dictionary runs/x/topk --edit 12=ablate --echo \\
        --index runs/x/topk/features --store runs/x/activations --out runs/x/topk/features
    """
    from sparsetime import effects as run
    from sparsetime import open_index, open_store
    from sparsetime.steering.edit_text import parse_edits

    for text in edit:  # before the model is loaded
        parse_edits([site_and_edit(text)[1]])
    check_one_index(index, dictionary)
    given = SteeringArguments.of_several(model, dictionary, site)
    found = run(
        given.model,
        given.dictionaries,
        given.edits_by_site(edit, parse_edits),
        open_store(store),
        at=int(at) if at.isdigit() else at,
        lags=lags,
        hold=hold,
        windows=windows,
        null=null,
        echo=echo,
        units=units,
        index=None if index is None else open_index(index),
        seed=seed,
        out=out,
    )
    shown_lags = [lag for lag in _SHOWN if lag <= lags]
    shown = table("response", *(f"lag {lag}" for lag in shown_lags), "half-life", "null")
    for kind, response in found.responses.items():
        row = [*_values(response.divergence, shown_lags), *_half_life(response)]
        shown.add_row(kind, *row)
        if response.divergence.null is not None:
            means = response.divergence.null.mean(0)
            shown.add_row("  null", *(f"{means[lag]:.3g}" for lag in shown_lags), "", "")
    if found.echo is not None:
        for name in ("carried", "words"):
            curve: LagCurve = getattr(found.echo, name)
            shown.add_row(f"echo: {name}", *_values(curve, shown_lags), "", "")
    stdout().print(shown)
    say(f"{found.divergence_is}, mean of {found.windows} windows")
    if out is not None:
        say(f"{out}/effects")


def _half_life(response: Response) -> tuple[str, str]:
    """The half-life and that of random features; "-" where there is none, as of a held edit."""
    half = response.half_life
    if response.kind == "step":
        return "-", "-"
    censored = ">= " if half.details["censored"] else ""
    return f"{censored}{half.value:.3g}", "-" if math.isnan(half.null) else f"{half.null:.3g}"


def _values(curve: LagCurve, lags: list[int]) -> list[str]:
    return [f"{curve.mean[lag]:.3g}" for lag in lags]
