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
    SteeredDictionary,
    SteeredModel,
    SteeringArguments,
    Temperature,
    TokensOption,
    print_continuations,
    span_of,
)


@app.command()
def ablate(
    model: SteeredModel,
    dictionary: SteeredDictionary,
    feature: Annotated[list[int], typer.Option(help="A feature to remove. Repeatable.")],
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
    given = SteeringArguments.of(model, dictionary, site)
    without = run(
        given.model,
        given.dictionaries,
        given.edits(feature),
        by=by,
        span=chosen_span,
        data=None if store is None else open_store(store),
    )
    print_continuations(given, without, prompt, tokens, temperature, seed)
