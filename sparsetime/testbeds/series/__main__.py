"""python -m sparsetime.testbeds.series: train the transformer anew, and measure it."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.testbeds.series.auckland import counts
from sparsetime.testbeds.series.settings import PatchTransformerTraining
from sparsetime.testbeds.series.train import train


def main(
    out: Annotated[str, typer.Option(help="folder of what is shipped")] = "runs/series_model",
) -> None:
    """Train the transformer from nothing (ten minutes on one core), and measure it.

    A training that was cut off goes on.
    """
    held_out = train(counts(), out, PatchTransformerTraining())["held_out"]
    typer.echo(f"{out}: held-out {', '.join(f'{k} {v}' for k, v in held_out.items())}")


if __name__ == "__main__":
    typer.run(main)
