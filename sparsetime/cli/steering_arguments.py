"""Options of `steer`, `ablate` and `effects`, and the model and dictionary that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, final

import typer

from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import say

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.interventions.span import Span
    from sparsetime.models.load import LoadedModel
    from sparsetime.steering import Steered

SteeredModel = Annotated[str, typer.Option("--model", help=f"{MODEL_HELP} It needs its head.")]
SteeredDictionary = Annotated[
    str, typer.Option("--dictionary", help="The folder of a dictionary that names its site.")
]
SiteOption = Annotated[
    str | None, typer.Option("--site", help="The site, where the dictionary does not name it.")
]
EditOption = Annotated[
    list[str],
    typer.Option(
        "--edit",
        metavar="FEATURE=EDIT",
        help="A strength to add, KIND:NUMBER (set, scale, floor, cap, swap), or ablate. "
        "Repeatable.",
    ),
]
SpanOption = Annotated[
    str | None,
    typer.Option("--span", help='As in Python: "steps(4, 9)", "generated() & ~while_on(7)".'),
]
UnitsOption = Annotated[
    str | None, typer.Option("--units", help="Of strengths: peak, spread or activation.")
]
PromptOption = Annotated[str, typer.Option("--prompt", help="The text that is continued.")]
TokensOption = Annotated[int, typer.Option("--tokens", help="How many tokens are generated.")]
Temperature = Annotated[
    float, typer.Option(help="0 takes the most likely token; above it tokens are sampled.")
]

SamplingSeed = Annotated[int, typer.Option("--seed", help="Seed of the sampled tokens.")]


@final
@dataclass(frozen=True)
class SteeringArguments:
    """A model with its head, and the dictionary of a site."""

    model: LoadedModel
    dictionaries: Dictionary | dict[str, Dictionary]

    @staticmethod
    def of(model: str, dictionary: str, site: str | None) -> SteeringArguments:
        """Errors: those of `load_causal_model` and of `st.load`."""
        from sparsetime.dictionaries.serialise import load
        from sparsetime.models.causal_model import load_causal_model

        sae = load(dictionary)
        return SteeringArguments(
            load_causal_model(named_model(model)), sae if site is None else {site: sae}
        )

    def edits(self, own: Any) -> Any:
        """Edits as `st.steer` takes them for these dictionaries."""
        if isinstance(self.dictionaries, dict):
            return dict.fromkeys(self.dictionaries, own)
        return own


def span_of(text: str | None) -> Span | None:
    """The span of an option; None where it is not given."""
    from sparsetime.interventions.span_text import parse_span

    return None if text is None else parse_span(text)


def print_continuations(
    given: SteeringArguments,
    steered: Steered,
    prompt: str,
    tokens: int,
    temperature: float,
    seed: int,
) -> None:
    """Continue a prompt without and with the edits, and print what was added."""
    from sparsetime.steering.steer import steer

    settings = {"temperature": temperature, "seed": seed}
    plain = steer(given.model, given.dictionaries, given.edits({}))
    say(f"plain    {plain.generate(prompt, tokens, **settings).text!r}")
    written = steered.generate(prompt, tokens, **settings)
    say(f"steered  {written.text!r}")
    for site, record in written.record.items():
        say(
            f"{site}: {record.edited_steps} steps edited, added norm / norm of the site "
            f"{record.relative_norm:.3g}"
        )
