"""sparsetime attend: run a model with sparse attention, and report what each module read."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP
from sparsetime.cli.options import say, stdout, table


@app.command()
def attend(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    policy: Annotated[str, typer.Argument(help="A recipe of kind 'attention policy'.")],
    data: Annotated[list[str], typer.Option(help="A file, folder or glob of texts. Repeatable.")],
    sparsity: Annotated[float, typer.Option(help="Share of pairs that is left out.")] = 0.75,
    length: Annotated[int, typer.Option(help="Tokens of a window.")] = 256,
    windows: Annotated[int, typer.Option(help="Windows that are read.")] = 4,
) -> None:
    """Run a model with an attention policy at an equal budget, and report what was read.

    The policy's own setting is solved on the first window; the others are measured beside dense
    attention, for the share of attention mass kept and the error of the output.

    \b
    Example:
      sparsetime attend my-language-model moba --data texts --sparsity 0.5
    """
    import torch

    import sparsetime as st
    from sparsetime.cli.input_files import token_windows

    loaded, tokens = token_windows(model, data, length, windows + 1)
    chosen = st.attention_policy(policy).at(sparsity=sparsity, data=tokens[:1], phase="prefill")
    with st.attend(loaded, prefill=chosen, measure=True) as run, torch.no_grad():
        run.model(tokens[1:])
    report = run.report()
    shown = table("module", "left out", "mass kept", "output error", "choose", "attend")
    for (module, phase), (choose, compute) in report.seconds.items():
        heads = [h for h in report.heads if (h.module, h.phase) == (module, phase)]
        means = [
            sum(getattr(h, name) or 0.0 for h in heads) / len(heads)
            for name in ("sparsity", "mass_kept", "output_error")
        ]
        times = (f"{1e3 * seconds:.1f} ms" for seconds in (choose, compute))
        shown.add_row(module, *(f"{mean:.3f}" for mean in means), *times)
    stdout().print(shown)
    for module, reason in report.dense_layers.items():
        say(f"{module or 'the model'} is dense: {reason}")
    say(f"{report.sparsity():.3f} of the pairs left out, {sparsity} asked for")
