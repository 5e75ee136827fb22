"""Options of `steer`, `ablate` and `effects`, and the model and dictionaries that they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, final

import typer

from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import say, site_and_folder
from sparsetime.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.interventions.span import Span
    from sparsetime.models.load import LoadedModel
    from sparsetime.steering import Steered

SteeredModel = Annotated[str, typer.Option("--model", help=f"{MODEL_HELP} It needs its head.")]
SteeredDictionary = Annotated[
    str, typer.Option("--dictionary", help="The folder of a dictionary that names its site.")
]
SteeredDictionaries = Annotated[
    list[str],
    typer.Option(
        "--dictionary",
        metavar="[SITE=]FOLDER",
        help="The folder of a dictionary, with its site where it does not name it. Repeatable.",
    ),
]
SiteOption = Annotated[
    str | None, typer.Option("--site", help="The site, where the dictionary does not name it.")
]
EditOption = Annotated[
    list[str],
    typer.Option(
        "--edit",
        metavar="[SITE/]FEATURE=EDIT",
        help="A strength to add, KIND:NUMBER (set, scale, floor, cap, swap), or ablate; with its "
        "site where there are several. Repeatable.",
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
    """A model with its head, and the dictionary of a site, or of several."""

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

    @staticmethod
    def of_several(model: str, dictionaries: list[str], site: str | None) -> SteeringArguments:
        """The dictionaries of several sites, each as [SITE=]FOLDER.

        Errors: those of `of`; ConfigError for --site with several, and two of one site.
        """
        from sparsetime.models.causal_model import load_causal_model

        named = [site_and_folder(text) for text in dictionaries]
        if len(named) == 1 and not named[0][0]:
            return SteeringArguments.of(model, named[0][1], site)
        if site is not None:
            raise ConfigError(
                f"got --site {site} beside {', '.join(dictionaries)}; give the sites as "
                "--dictionary SITE=FOLDER"
            )
        loaded = dictionaries_by_site(dictionaries)
        return SteeringArguments(load_causal_model(named_model(model)), loaded)

    def edits(self, own: Any) -> Any:
        """The same edits of every site, as `st.steer` takes them for these dictionaries."""
        if isinstance(self.dictionaries, dict):
            return dict.fromkeys(self.dictionaries, own)
        return own

    def edits_by_site(self, texts: list[str], parse: Callable[[list[str]], Any]) -> Any:
        """Edits of texts [SITE/]FEATURE… as `st.steer` takes them; `parse` reads those of a site.

        Errors: those of `parse`; ConfigError for a text without a site where there are several;
        UnknownNameError for a site without a dictionary.
        """
        known = list(self.dictionaries) if isinstance(self.dictionaries, dict) else []
        found: dict[str, list[str]] = {site: [] for site in known or [""]}
        for text in texts:
            site, own = site_and_edit(text)
            if not site and len(known) > 1:
                raise ConfigError(
                    f"got {text!r} for dictionaries of {len(known)} sites, expected SITE/{text}, "
                    f"with one of {', '.join(known)}"
                )
            if site and site not in known:
                raise unknown_name("site of the edits", site, known)
            found[site or next(iter(found))].append(own)
        parsed = {site: parse(own) for site, own in found.items()}
        return parsed if known else parsed[""]


def site_and_edit(text: str) -> tuple[str, str]:
    """The site of [SITE/]FEATURE[=EDIT], "" where it is not given, and the edit without it."""
    head, equals, edit = text.partition("=")
    site, _, feature = head.rpartition("/")
    return site, feature + equals + edit


def dictionaries_by_site(texts: list[str]) -> dict[str, Dictionary]:
    """The dictionaries of [SITE=]FOLDER, each by the site that is given or that it names.

    Errors: those of `load`; ConfigError for one without a site, and two of one site.
    """
    from sparsetime.dictionaries.serialise import load

    loaded: dict[str, Dictionary] = {}
    for text in texts:
        site, folder = site_and_folder(text)
        sae = load(folder)
        name = site or str(sae.provenance.get("site") or "")
        if not name or name in loaded:
            raise ConfigError(
                f"got the dictionary {folder!r} "
                + (f"for {name!r}, which has one already" if name else "that names no site")
                + "; give each as --dictionary SITE=FOLDER"
            )
        loaded[name] = sae
    return loaded


def check_one_index(index: str | None, dictionaries: list[str]) -> None:
    """Errors: ConfigError for --index with several dictionaries."""
    if index is not None and len(dictionaries) > 1:
        raise ConfigError(
            f"got --index with {len(dictionaries)} dictionaries, expected one; leave it out, or "
            "give index= by site in Python"
        )


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
