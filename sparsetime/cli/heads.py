"""sparsetime heads: attention heads of a model by copying and by distance back."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP
from sparsetime.cli.options import stdout, table


@app.command()
def heads(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    data: Annotated[list[str], typer.Option(help="A file, folder or glob of texts. Repeatable.")],
    length: Annotated[int, typer.Option(help="Tokens of a window.")] = 256,
    windows: Annotated[int, typer.Option(help="Windows that are read.")] = 4,
    shown: Annotated[int, typer.Option(help="Heads in the table.")] = 10,
) -> None:
    """List the heads that copy most: retrieval heads, by their attention on repeated text.

    The first quarter of every window is pasted again at its end. A head's score is the share of
    pasted tokens whose earlier copy it attends to most.

    \b
    Example:
      sparsetime heads my-language-model --data texts
    """
    import torch

    import sparsetime as st
    from sparsetime.cli.input_files import token_windows

    loaded, tokens = token_windows(model, data, length, windows)
    task = st.comparison.repeat_task(tokens)
    pasted = length // 4
    sources = torch.full_like(task.tokens, -1)
    # Step t predicts token t + 1, whose earlier copy is the source.
    steps = torch.arange(length - pasted, length - 1)
    sources[:, steps] = steps + 1 - (length - pasted)
    scores = st.attention.copy_scores(st.attention.recorded_calls(loaded, task.tokens), sources)
    count = scores.shape[1]
    rows = table("module", "head", "copy score")
    for number in scores.flatten().argsort(descending=True)[:shown].tolist():
        score = float(scores.flatten()[number])
        rows.add_row(str(number // count), str(number % count), f"{score:.3f}")
    stdout().print(rows)
