"""sparsetime sweep: methods that leave out work, at equal sparsities, on the same tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP
from sparsetime.cli.options import say, stdout, table

if TYPE_CHECKING:
    from sparsetime.comparison.sweep_methods import Phase


@app.command()
def sweep(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    methods: Annotated[list[str], typer.Argument(help="Recipes of methods.")],
    data: Annotated[list[str], typer.Option(help="A file, folder or glob of texts. Repeatable.")],
    sparsity: Annotated[
        list[float] | None, typer.Option(help="A share that is left out. Repeatable.")
    ] = None,
    length: Annotated[int, typer.Option(help="Tokens of a window.")] = 256,
    windows: Annotated[int, typer.Option(help="Windows on which each method is measured.")] = 8,
    decode: Annotated[bool, typer.Option("--decode", help="Decode token by token.")] = False,
    within: Annotated[float, typer.Option(help="Nats that the loss may rise by.")] = 0.05,
) -> None:
    """Compare methods at equal sparsities by the increase in loss on text and on repeats.

    \b
    Example:
      sparsetime sweep my-language-model moba sliding_window --data texts --sparsity 0.5
    """
    import sparsetime as st
    from sparsetime.cli.input_files import token_windows

    loaded, tokens = token_windows(model, data, length, windows + 1)
    phases: list[Phase] = ["decode"] if decode else ["prefill"]
    swept = st.sweep(loaded, methods, sparsity or [0.5, 0.75, 0.875], data=tokens, phases=phases)
    shown = table("method", "task", "left out", "loss", "increase", "95% interval", "right", "time")
    for point in swept.points:
        low, high = point.interval or (float("nan"), float("nan"))
        shown.add_row(
            point.method, point.task, f"{point.sparsity:.3f}", f"{point.loss:.3f}",
            f"{point.loss_increase:+.3f}", f"{low:+.3f} to {high:+.3f}", f"{point.accuracy:.3f}",
            f"{point.seconds / point.dense_seconds:.1f} x",
        )  # fmt: skip
    stdout().print(shown)
    for point in swept.points:
        if point.why:
            say(point.why)
    for (method, task, phase), highest in swept.highest(within).items():
        say(f"{method}, {task}, {phase}: at most {highest:.3f} within {within} nats")
