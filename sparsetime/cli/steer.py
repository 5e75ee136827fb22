"""sparsetime steer: continue a prompt with edited features, beside the plain continuation."""

from __future__ import annotations

from sparsetime.cli.app import app
from sparsetime.cli.options import IndexOption
from sparsetime.cli.steering_arguments import (
    EditOption,
    PromptOption,
    SamplingSeed,
    SiteOption,
    SpanOption,
    SteeredDictionary,
    SteeredModel,
    SteeringArguments,
    Temperature,
    TokensOption,
    UnitsOption,
    print_continuations,
    span_of,
)


@app.command()
def steer(
    model: SteeredModel,
    dictionary: SteeredDictionary,
    edit: EditOption,
    prompt: PromptOption,
    tokens: TokensOption = 40,
    span: SpanOption = None,
    units: UnitsOption = None,
    index: IndexOption = None,
    site: SiteOption = None,
    temperature: Temperature = 0.0,
    seed: SamplingSeed = 0,
) -> None:
    """Continue a prompt with edited features, and without.

    Strengths are in multiples of a feature's peak with --index, else of the site's spread.

    \b
    Examples:
      sparsetime steer --model my-model --dictionary runs/x/topk --edit 12=1.0 \\
        --prompt "The river" --span "generated()"
      sparsetime steer --model my-model --dictionary runs/x/topk \\
        --index runs/x/topk/features --edit 12=2.0 --edit 40=ablate --prompt "The river"
    """
    from sparsetime import open_index
    from sparsetime import steer as run
    from sparsetime.steering.edit_text import parse_edits

    edits, chosen_span = parse_edits(edit), span_of(span)
    given = SteeringArguments.of(model, dictionary, site)
    steered = run(
        given.model,
        given.dictionaries,
        given.edits(edits),
        span=chosen_span,
        units=units,
        index=None if index is None else open_index(index),
    )
    print_continuations(given, steered, prompt, tokens, temperature, seed)
