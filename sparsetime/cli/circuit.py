"""sparsetime circuit: trace an attribution graph of one text."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import Out, say, stdout, table
from sparsetime.cli.steering_arguments import dictionaries_by_site

_SHOWN = 20


@app.command()
def circuit(
    model: Annotated[str, typer.Option(help=f"{MODEL_HELP} It needs its head.")],
    text: Annotated[str, typer.Option(help="The text that is traced.")],
    dictionary: Annotated[
        list[str],
        typer.Option(
            help="SITE=FOLDER of a transcoder or an SAE, or a folder whose dictionary knows its "
            "site. Repeatable."
        ),
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(help="A token after the text; without it the likeliest ones. Repeatable."),
    ] = None,
    feature: Annotated[
        list[str] | None, typer.Option(help="SITE/LATENT@STEP: a feature as target. Repeatable.")
    ] = None,
    onset: Annotated[
        list[str] | None,
        typer.Option(help="SITE/LATENT@STEP: the onset of a feature as target. Repeatable."),
    ] = None,
    nodes: Annotated[int, typer.Option(help="The most features, in order of influence.")] = 2000,
    verify: Annotated[
        int, typer.Option(help="Features to ablate in the model to check the graph; 0 for none.")
    ] = 32,
    out: Out = None,
) -> None:
    """Trace which features, errors and tokens the next token or a feature comes from.

    Attention patterns are frozen: the graph does not show why a head attends where it does.

    \b
    Examples:
      sparsetime circuit --model code-model --text "for i in range(" \\
        --dictionary model.layers.0.mlp=runs/t0 --dictionary model.layers.1.mlp=runs/t1
      sparsetime circuit --model code-model --text "def f(a" --target ")" \\
        --dictionary runs/clt --out runs/x/circuit
    """
    from sparsetime import circuit as run
    from sparsetime.circuits import targets as kinds
    from sparsetime.circuits.targets import TargetLike, parsed_feature

    dictionaries = dictionaries_by_site(dictionary)
    targets: list[TargetLike] = [*(target or [])]
    targets += [kinds.feature(*parsed_feature(one)) for one in feature or []]
    targets += [kinds.onset(*parsed_feature(one)) for one in onset or []]
    traced = run(named_model(model), dictionaries, text, targets or None, nodes=nodes)
    scores = traced.scores
    say(
        f"Error share {scores.error_share:.2f}, bias share {scores.bias_share:.2f}, token share "
        f"{scores.token_share:.2f}; replacement {scores.replacement:.2f}, completeness "
        f"{scores.completeness:.2f}."
    )
    if verify:
        found = traced.verify(count=verify)
        traced = traced.with_verification(found)
        say(
            f"Ablated in the model: rank correlation {found.rank_correlation:.2f} with the "
            f"prediction, signs agree in {100 * found.sign_agreement:.0f}%."
        )
    small = traced.prune()
    shown = table("influence", "kind", "site", "step", "latent", "text")
    texts = traced.about["texts"]
    rows = small.nodes.to_pylist()
    for place in small.influence.argsort(descending=True).tolist()[:_SHOWN]:
        row = rows[place]
        at = row["label"] or (repr(texts[row["step"]]) if row["step"] >= 0 else "")
        latent = "" if row["latent"] < 0 else str(row["latent"])
        step = "" if row["step"] < 0 else str(row["step"])
        cells = (row["kind"], row["site"], step, latent, at)
        shown.add_row(f"{float(small.influence[place]):.3f}", *cells)
    stdout().print(shown)
    if out:
        traced.save(out)
        say(f"{len(traced.nodes)} nodes in {out}")
