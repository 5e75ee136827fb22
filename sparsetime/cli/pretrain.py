"""sparsetime pretrain: train a sequence model on recordings, without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import Sets, given, say

if TYPE_CHECKING:
    from sparsetime.activations.capture.document import Document

_OBJECTIVE, _ENCODER = "objective.", "encoder."


@app.command()
def pretrain(
    objective: Annotated[str, typer.Argument(help='A recipe of kind "pretraining".')],
    data: Annotated[
        list[str], typer.Option(help="Recordings: a file, a folder or a glob. Repeatable.")
    ],
    out: Annotated[str, typer.Option(help="The folder to write to.")],
    model: Annotated[
        str | None,
        typer.Option(help="A saved sequence model; without it, that of the recipe's paper."),
    ] = None,
    d: Annotated[int, typer.Option(help="Dimension of the vectors of a new model.")] = 64,
    steps: Annotated[int | None, typer.Option(help="Training steps.")] = None,
    batch: Annotated[int | None, typer.Option(help="Sequences a step.")] = None,
    window: Annotated[int | None, typer.Option(help="Steps of a sequence read at once.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, order, masks and crops.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the run in the folder.")] = False,
    sets: Sets = None,
) -> None:
    """Train a sequence model on recordings, without labels.

    An interrupted run resumes from its last checkpoint when the command is repeated. The folder
    opens as a model: `sparsetime capture --model OUT`. Any other setting is given by --set, those
    of the recipe as objective.NAME, those of the model as encoder.NAME.

    \b
    Examples:
      sparsetime pretrain ts2vec --data arrays --out runs/x/ts2vec --window 64 --steps 20 --d 16
      sparsetime pretrain ts_jepa --data "eeg/*.edf" --out runs/x/jepa --set objective.share=0.5
    """
    import sparsetime as st
    from sparsetime.cli.model_on_data import documents_of
    from sparsetime.errors import ConfigError
    from sparsetime.sequence_models.serialise import load

    settings = given(
        sets, steps=steps, batch=batch, window=window, learning_rate=learning_rate, seed=seed
    )
    of_objective, of_encoder = (_under(settings, group) for group in (_OBJECTIVE, _ENCODER))
    chosen = st.pretraining_objective(objective, **of_objective)
    documents = list(documents_of(data, {}))
    if model is None:
        sizes = {"d": d, "seed": seed, **_channels(documents), **of_encoder}
        net = chosen.encoder(**sizes)
    elif of_encoder:
        raise ConfigError(
            f"got --model {model} and --set encoder.{next(iter(of_encoder))}, expected one of "
            "them: a saved model has its settings"
        )
    else:
        net = load(model)
    run = st.pretrain(net, documents, chosen, out=out, force=force, **settings)
    last = run.metrics[-1]
    say(f"{run.path}: loss {last['loss']:.4g} after {last['step']} steps")


def _under(settings: dict[str, Any], group: str) -> dict[str, Any]:
    """Take the settings of a group out, by their names in it."""
    names = [name for name in settings if name.startswith(group)]
    return {name.removeprefix(group): settings.pop(name) for name in names}


def _channels(documents: list[Document]) -> dict[str, int]:
    """The channels of series; frames have sizes that a view of clips takes."""
    values = documents[0].values if documents else None
    if values is None:
        return {}
    shape = tuple(values.shape[1:])
    if len(shape) == 3:
        return dict(zip(("height", "width", "channels"), map(int, shape), strict=True))
    return {"d_in": int(shape[0]) if shape else 1}
