"""sparsetime search: segments whose pooled codes are near those of a query."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import (
    DictionaryPath,
    SegmentSteps,
    StorePath,
    named_texts,
    say,
    stdout,
    table,
)
from sparsetime.errors import ConfigError


@app.command()
def search(
    dictionary: DictionaryPath,
    store: StorePath,
    like: Annotated[int | None, typer.Option(help="A segment to find others like.")] = None,
    edit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FEATURE=MULTIPLE",
            help="Set a feature of the query, in multiples of its peak; 0 takes it out. "
            "Repeatable.",
        ),
    ] = None,
    n: Annotated[int, typer.Option(help="How many are printed.")] = 10,
    steps: SegmentSteps = 64,
) -> None:
    """Find segments by the features that are active in them.

    \b
    Examples:
      sparsetime search --dictionary runs/x/topk --store runs/x/activations --like 3
      sparsetime search --dictionary runs/x/topk --store runs/x/activations --edit 12=1
    """
    from sparsetime import load, open_store
    from sparsetime import search as searched

    pairs = named_texts(edit, "--edit", "MULTIPLE") or {}
    try:
        edits = {int(feature): float(multiple) for feature, multiple in pairs.items()}
    except ValueError as error:
        raise ConfigError(f"got --edit {edit}, expected numbers such as 12=2") from error
    if like is None and not edits:
        raise ConfigError("got no query; give a segment by --like, or features by --edit")
    made = searched(load(dictionary), open_store(store), steps=steps or None)
    shown = table("segment", "recording", "steps", "score", "text")
    for hit in made.query({} if like is None else like, edit=edits, n=n):
        place = f"{hit.first} to {hit.stop}"
        text = hit.text if len(hit.text) <= 80 else f"{hit.text[:79]}…"
        shown.add_row(str(hit.segment), hit.sequence, place, f"{hit.score:.3f}", text)
    stdout().print(shown)
    say(f"{made.segments:,} segments, {made.postings / made.segments:.1f} postings each")
