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
    SteeredDictionaries,
    SteeredModel,
    SteeringArguments,
    Temperature,
    TokensOption,
    UnitsOption,
    check_one_index,
    print_continuations,
    site_and_edit,
    span_of,
)


@app.command()
def steer(
    model: SteeredModel,
    dictionary: SteeredDictionaries,
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
      sparsetime steer --model my-model --dictionary layers.3=runs/a --dictionary layers.5=runs/b \\
        --edit layers.3/12=1.0 --edit layers.5/40=set:0 --prompt "The river"
    """
    from sparsetime import open_index
    from sparsetime import steer as run
    from sparsetime.steering.edit_text import parse_edits

    chosen_span = span_of(span)
    for text in edit:  # before the model is loaded
        parse_edits([site_and_edit(text)[1]])
    check_one_index(index, dictionary)
    given = SteeringArguments.of_several(model, dictionary, site)
    steered = run(
        given.model,
        given.dictionaries,
        given.edits_by_site(edit, parse_edits),
        span=chosen_span,
        units=units,
        index=None if index is None else open_index(index),
    )
    print_continuations(given, steered, prompt, tokens, temperature, seed)
