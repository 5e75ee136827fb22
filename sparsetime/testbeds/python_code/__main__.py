"""python -m sparsetime.testbeds.python_code: train the shipped language model, and measure it."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.testbeds.python_code.publish import publish
from sparsetime.testbeds.python_code.settings import LanguageModelTraining
from sparsetime.testbeds.python_code.train import train


def main(
    run: Annotated[str, typer.Option(help="folder of the training run")] = "runs/code_model",
    out: Annotated[str, typer.Option(help="folder of what is shipped")] = "runs/code_model/weights",
) -> None:
    """Train the testbed's model from scratch (half an hour on one core), and measure it.

    An interrupted run resumes when it is started again.
    """
    settings = LanguageModelTraining()
    train(run, settings)
    held_out = publish(run, out, settings)["held_out"]
    typer.echo(f"{out}: held-out {', '.join(f'{k} {v}' for k, v in held_out.items())}")


if __name__ == "__main__":
    typer.run(main)
