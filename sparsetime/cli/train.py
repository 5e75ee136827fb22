"""sparsetime train: train a dictionary on a store."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated, Literal

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    Config,
    ExcludeFirst,
    ExcludeNorm,
    ExcludeTokens,
    Force,
    Out,
    Recipe,
    Sets,
    SplitBy,
    SplitLabel,
    StoreOption,
    given,
    say,
)
from sparsetime.config import read_config


@app.command()
def train(
    config: Config = None,
    store: StoreOption = None,
    recipe: Recipe = None,
    width: Annotated[int | None, typer.Option(help="Number of features.")] = None,
    k: Annotated[int | None, typer.Option(help="Active features a step, where fixed.")] = None,
    out: Out = None,
    rows: Annotated[int | None, typer.Option(help="Activation rows to learn from.")] = None,
    batch: Annotated[int | None, typer.Option(help="Rows in a training step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    shuffle_buffer: Annotated[
        str | None, typer.Option(help="Memory in which batches are mixed, such as 256MB.")
    ] = None,
    exclude_first: ExcludeFirst = None,
    exclude_token: ExcludeTokens = None,
    exclude_norm: ExcludeNorm = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the weights and of the order.")] = None,
    held_out: Annotated[
        float | None, typer.Option(help="Share of the documents kept for evaluation.")
    ] = None,
    split_by: SplitBy = None,
    split_label: SplitLabel = None,
    force: Force = None,
    logger: Annotated[
        Literal["tensorboard", "wandb"] | None,
        typer.Option(help="Log metrics to TensorBoard or Weights & Biases too."),
    ] = None,
    row_groups: Annotated[
        int | None, typer.Option(help="Under torchrun: groups that divide the rows of a batch.")
    ] = None,
    sets: Sets = None,
) -> None:
    """Train a dictionary on a store.

    An interrupted run resumes from its last checkpoint when the command is repeated.

    \b
    Examples:
      sparsetime train --store runs/x/activations --recipe topk \\
        --width 256 --k 8 --rows 20000 --out runs/x/topk
      sparsetime train --config run.yaml --set dictionary.k=16
      torchrun --nproc-per-node 2 -m sparsetime train --config run.yaml
    """
    from sparsetime import train as run
    from sparsetime.cli.run_file import TrainSection
    from sparsetime.training.distributed.launch import torchrun_mesh

    flags = given(
        sets,
        store=store,
        out=out,
        rows=rows,
        batch=batch,
        learning_rate=learning_rate,
        shuffle_buffer=shuffle_buffer,
        exclude_first=exclude_first,
        exclude_tokens=exclude_token,
        exclude_norm=exclude_norm,
        seed=seed,
        held_out=held_out,
        split_by=split_by,
        split_label=split_label,
        force=force,
        logger=logger,
        row_groups=row_groups,
        **{"dictionary.recipe": recipe, "dictionary.width": width, "dictionary.k": k},
    )
    chosen = read_config(config, TrainSection, flags, section="train")
    source, _ = chosen.parts()
    sae = chosen.dictionary.build(source.d, chosen.seed)
    with (
        torchrun_mesh(chosen.row_groups, chosen.process_timeout) as mesh,
        chosen.training_logger() or nullcontext() as on_log,
    ):
        result = run(
            sae,
            source,
            out=chosen.out,
            force=chosen.force,
            mesh=mesh,
            on_log=on_log,
            **chosen.training(),
        )
        if mesh is not None and mesh.get_rank():
            return
    last = result.metrics[-1]
    values = ", ".join(f"{name} {last[name]:.4g}" for name in ("fvu", "l0", "dead") if name in last)
    say(f"{result.path}: {values}" + (f"; {source.note}" if source.note else ""))
