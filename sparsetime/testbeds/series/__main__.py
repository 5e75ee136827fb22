"""python -m sparsetime.testbeds.series: train the shipped patch transformer, and measure it."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.testbeds.series.auckland import counts
from sparsetime.testbeds.series.settings import PatchTransformerTraining
from sparsetime.testbeds.series.train import train


def main(
    out: Annotated[str, typer.Option(help="folder of what is shipped")] = "runs/series_model",
) -> None:
    """Train the transformer from scratch (ten minutes on one core), and measure it.

    An interrupted run resumes when it is started again.
    """
    held_out = train(counts(), out, PatchTransformerTraining())["held_out"]
    typer.echo(f"{out}: held-out {', '.join(f'{k} {v}' for k, v in held_out.items())}")


if __name__ == "__main__":
    typer.run(main)
