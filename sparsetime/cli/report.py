"""sparsetime report: write the report of a run, one page."""

from __future__ import annotations

from sparsetime.cli.app import app
from sparsetime.cli.options import RunFolder, say


@app.command()
def report(run: RunFolder) -> None:
    """Write a run's report: one page that needs no network.

    \b
    Examples:
      sparsetime report runs/demo
    """
    from sparsetime import report as write

    say(f"{write(run)}: open it in a browser")
