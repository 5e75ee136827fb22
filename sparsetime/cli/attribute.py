"""sparsetime attribute: effects of latents and heads on the output of a model."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import say, stdout, table
from sparsetime.cli.steering_arguments import dictionaries_by_site
from sparsetime.errors import ConfigError


@app.command()
def attribute(
    model: Annotated[str, typer.Option(help=f"{MODEL_HELP} It needs its head.")],
    text: Annotated[str, typer.Option(help="The text whose next token is explained.")],
    answer: Annotated[str, typer.Option(help="The token whose logit is explained.")],
    wrong: Annotated[
        str | None, typer.Option(help="Another token, whose logit is subtracted.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(help="A text of as many tokens, with other activations; 0 without it."),
    ] = None,
    dictionary: Annotated[
        list[str] | None,
        typer.Option(help="SITE=FOLDER of an SAE, or a folder of one that knows it. Repeatable."),
    ] = None,
    heads: Annotated[
        bool, typer.Option("--heads", help="Effects of all attention heads; needs --against.")
    ] = False,
    method: Annotated[str, typer.Option(help="gradient, integrated or patch.")] = "gradient",
    top: Annotated[int, typer.Option(help="How many of the largest are printed.")] = 20,
) -> None:
    """Rank latents and errors at every step, or attention heads, by their effect on a logit.

    \b
    Examples:
      sparsetime attribute --model code-model --text "f(a, b" --answer ")" --wrong "]" \\
        --against "f[a, b" --heads
      sparsetime attribute --model code-model --text "f(a, b" --answer ")" \\
        --dictionary model.layers.1=runs/x/sae --method integrated
    """
    from sparsetime import attribute as run
    from sparsetime.circuits.head_effects import head_effects
    from sparsetime.circuits.targets import logit, logit_difference

    metric = logit(answer) if wrong is None else logit_difference(answer, wrong)
    if heads == bool(dictionary):
        raise ConfigError("got --heads and --dictionary, or neither; give one of them")
    if heads:
        if against is None or method == "integrated":
            raise ConfigError(
                "got --heads without --against or with --method integrated; give a text in "
                "--against, and gradient or patch"
            )
        kind = "patch" if method == "patch" else "gradient"
        found = head_effects(named_model(model), text, against, metric, method=kind)
    else:
        chosen = dictionaries_by_site(dictionary or [])
        found = run(
            named_model(model), chosen, text, metric,
            method=method,
            against=against,
        )  # fmt: skip
    rest = "" if against is None else f", against {found.against:.3f}"
    say(f"Metric {found.metric:.3f}{rest}; effects by {found.method}.")
    shown = table("effect", "kind", "site", "step", "latent")
    for row in found.top(top).to_pylist():
        cells = [row["kind"], row["site"], row["step"], row["latent"]]
        shown.add_row(f"{row['effect']:+.4f}", *("" if one == -1 else str(one) for one in cells))
    stdout().print(shown)
