"""sparsetime sites: list the sites of a model where activations can be captured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import MODEL_HELP, named_model
from sparsetime.cli.options import Sets, stdout, table
from sparsetime.config import assignments, merged
from sparsetime.errors import ConfigError, DataError

if TYPE_CHECKING:
    from sparsetime.activations.capture.sites_on_document import SitesOnDocument
    from sparsetime.models.load import LoadedModel

_READ = "read"


@app.command()
def sites(
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    match: Annotated[str, typer.Option(help="Show only paths that hold this text.")] = "",
    data: Annotated[
        list[str] | None,
        typer.Option(help="Files as of `capture`; the model runs on the first recording."),
    ] = None,
    sets: Sets = None,
) -> None:
    """List the sites of a model, where activations can be captured, with their shapes.

    Behind a path, `:input` takes what goes into the module instead of what comes out. With --data
    the shapes are those of the first recording, with about how many input steps a row lasts.

    \b
    Examples:
      sparsetime sites my-model
      sparsetime sites my-model --match attention
      sparsetime sites my_model.py:build --data "speech/*.wav"
    """
    from sparsetime.models.load import load_model
    from sparsetime.models.sites import sites as find

    options = merged({}, assignments(sets or []))
    read = options.get(_READ, {})
    if set(options) - {_READ} or not isinstance(read, dict) or (options and not data):
        raise ConfigError(
            f"got --set {', '.join(sorted(options))}, expected options of the reader of --data, "
            f"such as {_READ}.alphabet=ACDEFGHIKLMNPQRSTVWY"
        )
    if not data:
        shown = table("site", "module", "input", "output")
        for site in find(named_model(model)):
            if match in site.path:
                shown.add_row(
                    site.path, site.kind, *map(_shape, (site.input_shape, site.output_shape))
                )
        stdout().print(shown)
        return
    loaded = load_model(named_model(model))
    _print_on_data(*_on_data(loaded, data, read), match)


def _on_data(
    loaded: LoadedModel, data: list[str], read: dict[str, Any]
) -> tuple[SitesOnDocument, str, float, str]:
    """What the sites are on the first recording, its name, and its time from step to step."""
    from sparsetime.activations.capture.sites_on_document import sites_on_document
    from sparsetime.cli.model_on_data import documents_of

    document = next(iter(documents_of(data, read, mixed_rates=True)), None)
    if document is None:
        raise DataError(f"got {', '.join(data)} without a document, expected at least one")
    return sites_on_document(loaded, document), document.id, document.step, document.unit


def _print_on_data(found: SitesOnDocument, name: str, step: float, unit: str, match: str) -> None:
    layout = f", input_layout {found.layout!r}" if found.layout else ""
    stdout().print(f"the first {found.length:,} steps of {name!r}{layout}")
    is_timed = step != 1  # else a column of time would repeat that of steps
    shown = table("site", "module", "output", "steps a row", *([f"{unit}s"] if is_timed else []))
    for site, steps in zip(found.sites, found.steps_a_row, strict=True):
        if match in site.path:
            numbers = ["", ""] if steps is None else [f"{steps:.3g}", f"{steps * step:.3g}"]
            shown.add_row(site.path, site.kind, _shape(site.output_shape), *numbers[: 1 + is_timed])
    stdout().print(shown)


def _shape(shape: tuple[int, ...] | None) -> str:
    return "" if shape is None else str(list(shape))
