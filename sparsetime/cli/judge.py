"""sparsetime judge: judge steering with features against baselines and nulls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import IndexOption, Out, say, stdout, table
from sparsetime.cli.steering_arguments import (
    SiteOption,
    SpanOption,
    SteeredDictionary,
    SteeredModel,
    SteeringArguments,
    span_of,
)
from sparsetime.errors import ConfigError

if TYPE_CHECKING:
    from sparsetime.steering import ArmComparison


@app.command()
def judge(
    model: SteeredModel,
    dictionary: SteeredDictionary,
    prompts: Annotated[str, typer.Option(help="A file of prompts, one a line; at least 4.")],
    target: Annotated[
        str | None, typer.Option(help="A file of texts with what is steered for, one a line.")
    ] = None,
    other: Annotated[str | None, typer.Option(help="A file of texts without it.")] = None,
    feature: Annotated[
        list[int] | None,
        typer.Option(help="A feature to steer with; repeatable. Without, the examples choose one."),
    ] = None,
    word: Annotated[
        list[str] | None,
        typer.Option(help="A word that is counted in place of a judge fitted on the examples."),
    ] = None,
    instruction: Annotated[
        str | None, typer.Option(help="A text before the prompts, as an arm of its own.")
    ] = None,
    dose: Annotated[
        list[float] | None,
        typer.Option(help="A dose to try, in spreads of the site, with both signs. Repeatable."),
    ] = None,
    limit: Annotated[
        float, typer.Option(help="The largest perplexity, as a multiple of the model's own.")
    ] = 1.25,
    nulls: Annotated[int, typer.Option(help="Draws of random features of equal norm.")] = 4,
    tokens: Annotated[int, typer.Option(help="How many tokens are generated.")] = 24,
    span: SpanOption = None,
    index: IndexOption = None,
    site: SiteOption = None,
    out: Out = None,
    seed: Annotated[int, typer.Option(help="Seed of the random features.")] = 0,
) -> None:
    """Judge steering with features against baselines and nulls by one protocol.

    Half of the prompts choose each arm's dose and sign at one bound of perplexity; the others are
    reported. --out saves it, into the folder of an index to show it in the explorer.

    \b
    Examples:
      sparsetime judge --model my-model --dictionary runs/x/topk --prompts prompts.txt \\
        --target positive.txt --other negative.txt --instruction "Write happily. "
      sparsetime judge --model my-model --dictionary runs/x/topk --prompts prompts.txt \\
        --feature 12 --word river --word stone --out runs/x/topk/features
    """
    from sparsetime import open_index
    from sparsetime.steering import judge_steering

    texts = [[] if name is None else _lines(name) for name in (prompts, target, other)]
    chosen_span = span_of(span)
    given = SteeringArguments.of(model, dictionary, site)
    found = judge_steering(
        given.model,
        given.dictionaries,
        texts[0],
        texts[1],
        texts[2],
        features=feature or None,
        words=word or (),
        instruction=instruction,
        index=None if index is None else open_index(index),
        nulls=nulls,
        doses=dose or (0.5, 1.0, 2.0),
        limit=limit,
        steps=tokens,
        span=chosen_span,
        seed=seed,
    )
    _print(found)
    if out is not None:
        say(f"{out}/judged/{found.save(out)}.json")


def _print(found: ArmComparison) -> None:
    about = found.about
    say(
        f"Features {', '.join(about['features'])} at {about['site']}; judge: {about['judge']}; "
        f"{len(about['prompts'])} prompts; perplexity at most {found.limit:g} times the plain one."
    )
    scores = ("score", "interval", "shift", "effect size", "rank", "perplexity", "off target")
    shown = table("arm", "dose", *scores)
    for one in found.scores.values():
        shown.add_row(
            one.name,
            f"{one.dose:+g}" if one.dose else "0",
            f"{one.target.value:.3f}",
            "" if one.target.interval is None else "{:.3f} to {:.3f}".format(*one.target.interval),
            f"{found.shift(one.name):+.3f}",
            f"{found.effect_size(one.name):+.2f}" if found.spread > 0 else "",
            f"{found.rank(one.name):.2f}" if one.name in found.nulls else "",
            f"{one.perplexity:.2f}",
            "" if one.off_target is None else f"{one.off_target.value:.3f}",
        )
    stdout().print(shown)


def _lines(name: str) -> list[str]:
    """The lines of a file that are not blank. Errors: ConfigError where it cannot be read."""
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"got {name!r}, which cannot be read as text: {error}") from error
    return [line for line in text.splitlines() if line.strip()]
