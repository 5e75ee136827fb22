"""sparsetime ablate: continue a prompt without some features, beside the plain continuation."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import StoreOption
from sparsetime.cli.steering_arguments import (
    PromptOption,
    SamplingSeed,
    SiteOption,
    SpanOption,
    SteeredDictionaries,
    SteeredModel,
    SteeringArguments,
    Temperature,
    TokensOption,
    print_continuations,
    site_and_edit,
    span_of,
)
from sparsetime.errors import ConfigError


@app.command()
def ablate(
    model: SteeredModel,
    dictionary: SteeredDictionaries,
    feature: Annotated[
        list[str],
        typer.Option(
            metavar="[SITE/]FEATURE",
            help="A feature to remove; with its site where there are several. Repeatable.",
        ),
    ],
    prompt: PromptOption,
    tokens: TokensOption = 40,
    by: Annotated[
        str, typer.Option(help="zero; mean or resample, of the activations of --store.")
    ] = "zero",
    span: SpanOption = None,
    store: StoreOption = None,
    site: SiteOption = None,
    temperature: Temperature = 0.0,
    seed: SamplingSeed = 0,
) -> None:
    """Continue a prompt without some features, and with all.

    \b
    Examples:
      sparsetime ablate --model my-model --dictionary runs/x/topk --feature 12 --feature 40 \\
        --prompt "The river"
      sparsetime ablate --model my-model --dictionary runs/x/topk --feature 12 --by mean \\
        --store runs/x/activations --prompt "The river" --span "last(2)"
    """
    from sparsetime import ablate as run
    from sparsetime import open_store

    chosen_span = span_of(span)
    for text in feature:  # before the model is loaded
        _numbers([site_and_edit(text)[1]])
    if store is not None and len(dictionary) > 1:
        raise ConfigError(
            f"got --store with {len(dictionary)} dictionaries, expected one; leave it out, or "
            "ablate in Python with data= by site"
        )
    given = SteeringArguments.of_several(model, dictionary, site)
    without = run(
        given.model,
        given.dictionaries,
        given.edits_by_site(feature, _numbers),
        by=by,
        span=chosen_span,
        data=None if store is None else open_store(store),
    )
    print_continuations(given, without, prompt, tokens, temperature, seed)


def _numbers(texts: list[str]) -> list[int]:
    """Errors: ConfigError for a text that is no number."""
    for text in texts:
        if not text.isdigit():
            raise ConfigError(f"got the feature {text!r}, expected its number, such as 12")
    return [int(text) for text in texts]
