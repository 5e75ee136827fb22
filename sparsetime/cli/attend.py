"""sparsetime attend: run a model with sparse attention, and report what each module read."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP
from sparsetime.cli.options import say, stdout, table
from sparsetime.errors import ConfigError


@app.command()
def attend(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    policy: Annotated[str, typer.Argument(help="A recipe of kind 'attention policy'.")],
    data: Annotated[list[str], typer.Option(help="A file, folder or glob of texts. Repeatable.")],
    sparsity: Annotated[float, typer.Option(help="Share of pairs that is left out.")] = 0.75,
    length: Annotated[int, typer.Option(help="Tokens of a window.")] = 256,
    windows: Annotated[int, typer.Option(help="Windows that are read.")] = 4,
    beside: Annotated[
        list[str] | None, typer.Option(help="Another policy that is kept. Repeatable.")
    ] = None,
    keep: Annotated[
        str, typer.Option(help="A folder for the explorer, best RUN/attention/NAME.")
    ] = "",
    store: Annotated[
        str, typer.Option(help="Keep the attention of a sequence of this store.")
    ] = "",
    sequence: Annotated[int, typer.Option(help="Its number in the store.")] = 0,
) -> None:
    """Run a model with an attention policy at an equal budget, and report what was read.

    The policy's own setting is solved on the first window; the others are measured beside dense
    attention, for the share of attention mass kept and the error of the output.

    With --keep, what every head reads in the first measured window is kept beside what the policy
    reads, and the explorer shows it; with --store, of a sequence of a run, on the same steps as its
    features.

    \b
    Example:
      sparsetime attend my-language-model moba --data texts --sparsity 0.5
      sparsetime attend my-language-model moba --data texts --keep runs/x/attention/moba
    """
    if (beside or store) and not keep:
        raise ConfigError("got --beside or --store without --keep; name a folder to keep it in")
    import torch

    import sparsetime as st
    from sparsetime.cli.input_files import stored_tokens, token_windows

    loaded, tokens = token_windows(model, data, length, windows + 1)
    kept, of = tokens[1:2], None
    if store:
        kept, of = stored_tokens(store, sequence)
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
    if keep:
        # Solved on what is kept: a number of keys is another sparsity at another length.
        policies = [
            st.attention_policy(name).at(sparsity=sparsity, data=kept, phase="prefill")
            for name in (policy, *(beside or ()))
        ]
        st.attention.keep_attention(loaded, kept, keep, policies, sequence=of)
        say(f"kept in {keep}; look at it with sparsetime explore RUN")
