"""sparsetime explain: explain features by rules, scored on held-out sequences."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    Config,
    IndexOption,
    Seed,
    Sets,
    StoreOption,
    given,
    say,
    stdout,
    table,
)
from sparsetime.config import read_config

if TYPE_CHECKING:
    from sparsetime.features.detail_table import DetailTable

_SHOWN = 20


@app.command()
def explain(
    config: Config = None,
    index: IndexOption = None,
    store: StoreOption = None,
    feature: Annotated[
        list[int] | None,
        typer.Option(help="A feature; all that are active often enough without it. Repeatable."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="A label that rules may read; all without it. Repeatable."),
    ] = None,
    moments: Annotated[
        int | None, typer.Option(help="Most active steps that choose or score a rule.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="An OpenAI-compatible endpoint that explains, in place of rules."),
    ] = None,
    language_model: Annotated[
        str | None,
        typer.Option(help="The model's name there; without --url a local one of transformers."),
    ] = None,
    key_variable: Annotated[
        str | None,
        typer.Option(help="The environment variable that holds the key of the endpoint."),
    ] = None,
    budget: Annotated[int | None, typer.Option(help="Most calls of the language model.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the prompts that would be asked.")
    ] = False,
    seed: Seed = None,
    sets: Sets = None,
) -> None:
    """Explain when features fire, by rules over tokens, labels and what came before.

    Rules are chosen on half of the recordings, every number is from the other half. They name
    features that neither a person nor a label named. With --language-model a language model
    explains instead.

    \b
    Examples:
      sparsetime explain --index runs/x/topk/features --store runs/x/activations
      sparsetime explain --index runs/x/topk/features --store runs/x/activations --feature 12
      sparsetime explain --index runs/x/topk/features --store runs/x/activations --feature 12 \\
        --url http://localhost:8000/v1 --language-model qwen --budget 20
    """
    from sparsetime import explain, explanations, open_index, open_store
    from sparsetime.cli.run_file import ExplainSection

    flags = given(
        sets, index=index, store=store, features=feature, labels=label, moments=moments, url=url,
        language_model=language_model, key_variable=key_variable, budget=budget, seed=seed,
    )  # fmt: skip
    chosen = read_config(config, ExplainSection, flags, section="explain")
    features = open_index(chosen.index)
    store_of = open_store(chosen.store)
    if dry_run:
        texts = explanations.prompts(features, store_of, chosen.features, seed=chosen.seed)
        for text in texts:
            say(f"{text}\n")
        say(f"{len(texts):,} prompts for explanations; each is tested by some 8 more")
        return
    by = _explainer(chosen.url, chosen.language_model, chosen.key_variable)
    written = explain(
        features,
        store_of,
        chosen.features,
        by=by,
        labels=chosen.labels,
        moments=chosen.moments,
        budget=chosen.budget,
        seed=chosen.seed,
    )
    name = by if isinstance(by, str) else str(getattr(by, "name", "model"))
    _show(written, name, chosen.features)
    names = features.column("explanation")
    say(f"{chosen.index}: {len(names) - names.null_count:,} features named by their explanation")


def _explainer(
    url: str | None, model: str | None, key_variable: str | None
) -> Callable[[str], str] | str:
    """What explains: rules without a model.

    Errors: ConfigError for a URL without a model, and for a key that is not set or has no URL.
    """
    from sparsetime import explanations
    from sparsetime.errors import ConfigError

    if url is not None:
        if model is None:
            raise ConfigError("got --url without --language-model; name the model of the endpoint")
        key = None if key_variable is None else os.environ.get(key_variable)
        if key_variable is not None and not key:
            raise ConfigError(
                f"got --key-variable {key_variable}, which is not set; export the endpoint's key "
                f"in it"
            )
        return explanations.Endpoint(url, model, key)
    if key_variable is not None:
        raise ConfigError("got --key-variable without --url; give the endpoint that wants the key")
    if model is None:
        return "rules"
    from sparsetime.cli.model_argument import named_model
    from sparsetime.models.load import load_model

    loaded = load_model(named_model(model))
    if loaded.tokenizer is None:
        raise ConfigError(f"got the model {model!r} without a tokenizer, expected a language model")
    return explanations.LocalModel(loaded.model, loaded.tokenizer)


def _show(written: DetailTable, name: str, features: list[int] | None) -> None:
    """The best explanations, of some features or of all, and their mean."""
    rows = [
        row
        for row in written.table.to_pylist()
        if row["part"] == "active"
        and row["explainer"] == name
        and (features is None or row["feature"] in features)
    ]
    scored = sorted(
        (row for row in rows if row["accuracy"] is not None), key=lambda row: -row["accuracy"]
    )
    shown = table("feature", "explanation", "accuracy", "swapped")
    for row in scored[:_SHOWN]:
        swapped = "-" if row["swapped"] is None else f"{row['swapped']:.2f}"
        shown.add_row(str(row["feature"]), row["text"], f"{row['accuracy']:.2f}", swapped)
    stdout().print(shown)
    about = written.about[name]
    say(f"{about['halves']}; measured on: {about['measured_on']}")
    mean = sum(row["accuracy"] for row in scored) / max(len(scored), 1)
    say(f"{len(rows):,} features explained by {name}, balanced accuracy {mean:.3f} in the mean")
    if "calls" in about:
        spent = "; the budget is spent" if about["budget_spent"] else ""
        say(f"{about['calls']:,} calls, {about['unanswered']:,} answers that were none{spent}")
