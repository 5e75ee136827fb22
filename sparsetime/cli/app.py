"""The command-line application: commands, help, version, errors and warnings."""

from __future__ import annotations

import warnings
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from sparsetime import __version__
from sparsetime.errors import SparsetimeError

#: The commands in the order of use, which is the order of the help; each is a file of this folder.
COMMANDS = (
    *("sites", "recipes", "capture", "train", "evaluate", "index"),
    *("label", "perievent", "compare", "explain", "match", "classify", "search", "moments"),
    *("probe", "needs-time"),
    *("circuit", "attribute", "attend", "sweep", "heads"),
    *("steer", "ablate", "judge", "unlearn", "effects", "monitor"),
    *("sparsify", "cost", "pretrain"),
    *("suite", "leaderboard", "claim", "convert", "explore", "export", "report"),
    *("verify", "testbeds", "demo"),
)

# Hints for Python in error messages, and the options that they correspond to; longer ones first.
_FLAGS = {
    "on_bad='skip'": "--on-bad skip",
    "force=True (--force)": "--force",
    "force=True": "--force",
}


class _Group(TyperGroup):
    """Prints a SparsetimeError as one red line and a warning as one yellow line.

    Any other exception is a defect, and its traceback is printed.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=COMMANDS.index)

    def invoke(self, ctx: Any) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _print_warning
            try:
                return super().invoke(ctx)
            except SparsetimeError as error:
                if ctx.params.get("debug"):
                    raise
                _complain(f"error: {_in_flags(str(error))}", "bold red")
                raise typer.Exit(2) from error


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _complain(f"warning: {_in_flags(' '.join(str(message).split()))}", "yellow")


def _complain(line: str, style: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(Text(line, style=style))


def _in_flags(text: str) -> str:
    for hint, flag in _FLAGS.items():
        text = text.replace(hint, flag)
    return text


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> bool:
    if wanted:
        typer.echo(f"sparsetime {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def root(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Find, measure and show the sparse features of any sequence model, along time.

    \b
    A whole run, step by step:
      sparsetime sites my-model
      sparsetime capture --model my-model --data texts \\
        --site encoder.layer.1 --out runs/x/activations
      sparsetime train --store runs/x/activations --recipe topk \\
        --width 256 --k 8 --rows 20000 --out runs/x/topk
      sparsetime evaluate --dictionary runs/x/topk --store runs/x/activations
      sparsetime index --dictionary runs/x/topk --store runs/x/activations

    \b
    The same from one file, with a setting changed:
      sparsetime train --config run.yaml --rows 40000 --set seed=1
    """
