"""sparsetime unlearn: change weights so that features of a concept no longer fire."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import say
from sparsetime.cli.steering_arguments import (
    SiteOption,
    SteeredDictionary,
    SteeredModel,
    SteeringArguments,
)


@app.command()
def unlearn(
    model: SteeredModel,
    dictionary: SteeredDictionary,
    forget: Annotated[str, typer.Option(help="The store of what is forgotten.")],
    keep: Annotated[str, typer.Option(help="The store of what is to stay.")],
    out: Annotated[str, typer.Option(help="The folder that is written.")],
    feature: Annotated[
        list[int] | None,
        typer.Option(help="A feature to suppress; repeatable. Without, they are chosen."),
    ] = None,
    count: Annotated[int, typer.Option(help="How many features are chosen.")] = 16,
    rank: Annotated[int, typer.Option(help="The rank of the change of weights.")] = 4,
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 100,
    window: Annotated[int, typer.Option(help="Tokens that are read at once.")] = 64,
    adapter: Annotated[
        bool, typer.Option("--adapter", help="Write an adapter of PEFT, not whole weights.")
    ] = False,
    site: SiteOption = None,
    seed: Annotated[int, typer.Option(help="Seed of the batches and first factors.")] = 0,
) -> None:
    """Change weights by a low-rank update, so that features of a concept no longer fire.

    Features are chosen that fire more often on the one store than on the other, unless they are
    given. What changed is measured on windows that were not trained on.

    \b
    Examples:
      sparsetime unlearn --model my-model --dictionary runs/x/topk --forget runs/concept \\
        --keep runs/other --out runs/unlearned
    """
    from sparsetime import open_store
    from sparsetime.files import Folder
    from sparsetime.files.folder_url import folder_url
    from sparsetime.files.other_files import check_no_other_files
    from sparsetime.steering.unlearning.unlearn import unlearn as run

    check_no_other_files(Folder(folder_url(out)), advice="Choose another folder")
    given = SteeringArguments.of(model, dictionary, site)
    made = run(
        given.model,
        given.dictionaries,
        open_store(forget),
        open_store(keep),
        features=feature or None,
        count=count,
        rank=rank,
        steps=steps,
        window=window,
        seed=seed,
    )
    for at, features in made.features.items():
        say(f"features at {at}: {', '.join(map(str, features))}")
    shown = {"activation": "mean activation", "forget": "loss to forget", "keep": "loss to keep"}
    for name, (before, after) in made.measured.items():
        say(f"{shown[name]}: {before:.4g} before, {after:.4g} after")
    (made.save_adapter if adapter else made.save)(out)
    say(f"written to {out}")
