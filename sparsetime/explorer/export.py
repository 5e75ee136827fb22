"""A run as a folder of plain files that any web server can show: the explorer's views, less live.

The pages are the explorer's own. Where they would ask the API they read JSON that lies beside
them; scores are drawn from whole sequences' codes, so that zooming and choosing rows still work.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from sparsetime.errors import ConfigError, StoreError
from sparsetime.explorer import app_page, manifests
from sparsetime.explorer.excerpts import choose_excerpts
from sparsetime.explorer.export_files import ExportFiles, as_json, is_unfinished
from sparsetime.explorer.page_code import page_code
from sparsetime.explorer.workbench.documents import document, documents
from sparsetime.explorer.workbench.feature import feature
from sparsetime.explorer.workbench.feature_columns import feature_columns
from sparsetime.explorer.workbench.feature_list import lines
from sparsetime.explorer.workbench.inputs import input_view
from sparsetime.explorer.workbench.run_cache import RunCache
from sparsetime.explorer.workbench.schema import Overview
from sparsetime.explorer.workbench.sound import sound
from sparsetime.explorer.workbench.workbench import Workbench
from sparsetime.files import Folder, locks
from sparsetime.files.other_files import check_no_other_files
from sparsetime.progress import Bar
from sparsetime.progress import progress as running

MEGABYTES = 100.0
_INDEX = "index.html"
_MILLION = 1e6
COMPUTED = 64  # features of a dictionary with panels whose answers take long
_REFUSED = 5  # items too large for the room that is left before the rest is not tried


@locks("out")
def export(
    run: str | Path,
    out: str | Path,
    megabytes: float = MEGABYTES,
    force: bool = False,
    progress: bool = True,
    renderers: tuple[str | Path, ...] = (),
) -> Path:
    """Write the explorer of a run into the folder `out`; returns its index.html.

    The overview, the list of all features, the comparisons and labels are always whole. Sequences
    and single features' moments are written while they fit into `megabytes` (which counts the JSON,
    not the page's own scripts): first the passages that read best and the most telling features.
    What is left out is counted on the page. index.html is written last.

    Errors: StoreError where the run holds nothing to show, or `out` holds files and `force` is not
    given; ConfigError where `megabytes` does not hold even one sequence and one feature of each
    dictionary.
    """
    workbench = Workbench(run, renderers=renderers)
    opened = workbench.opened
    if not opened.shown:
        why = " ".join(opened.notes) or "It has no index; make one with sparsetime index."
        raise StoreError(f"{opened.folder.url} holds nothing to export yet. {why}")
    folder = Folder(str(out))
    if not force and not is_unfinished(folder):
        check_no_other_files(folder)
    folder.remove(_INDEX)
    folder.remove("data")
    files = ExportFiles(folder, opened.folder.url)
    renderers_at = [f"renderers/{n}.js" for n in range(len(workbench.renderers))]
    for view in manifests.views():
        if view.export is None or not view.exported:
            continue
        for name, value in view.export(workbench).items():
            if isinstance(value, Overview):  # addresses of the lanes that users named are relative
                renderers = tuple(f"../{at}" for at in renderers_at)
                value = value.model_copy(update={"renderers": renderers})
            files.write(f"data/{name}", value)
    share = megabytes * _MILLION / len(opened.shown)
    whole: list[str] = []
    for number, key in enumerate(opened.shown):
        whole.append(_dictionary(files, f"data/{number}", opened, key, share, progress))
    for at, file in zip(renderers_at, workbench.renderers, strict=True):
        files.write_bytes(at, file.read_bytes())
    for name, asset in manifests.assets().items():
        files.write_bytes(name, asset.read_bytes())
    files.write_bytes("plotly.js", app_page.plotly())
    files.finish(_INDEX, app_page.shell(f"exported: {'; '.join(whole)}").encode())
    return Path(folder.url) / _INDEX


def _dictionary(
    data: ExportFiles, at: str, opened: RunCache, key: str, room: float, show: bool
) -> str:
    """Everything of one dictionary within `room` bytes; in words, what that is."""
    shown = opened.dictionary(key)
    table = shown.table
    living = np.flatnonzero(table.density > 0)
    telling = list(dict.fromkeys([*_telling(opened, key, len(living)), *living.tolist()]))
    listed = as_json({"lines": lines(opened, key, telling), "peaks": table.peak[telling].tolist()})
    left = room - len(listed)
    with running(f"export {key}", room, "bytes", show) as bar:
        bar.advance(len(listed))
        order = _sequence_order(opened, key)
        sequences, used = _fill(
            data, f"{at}/sequences", _sequences(opened, key, order), left / 3, bar
        )
        used += _sounds(data, f"{at}/sequences", opened, key, sequences, left / 3, bar)
        items = _features(opened, key, telling)
        features, _ = _fill(data, f"{at}/features", items, left - used, bar)
    if not sequences or not features:
        raise ConfigError(
            f"{room / _MILLION:.2f} megabytes for {key} do not hold its list of features, a "
            f"sequence and the moments of a feature; allow more with megabytes (--megabytes)"
        )
    all_documents = documents(opened, key, limit=len(shown.index.sequences))
    data.write_bytes(f"{at}/features.json", listed)
    data.write(f"{at}/columns.json", feature_columns(opened, key))
    written = [line for line in all_documents.lines if line.sequence in set(sequences)]
    data.write(f"{at}/sequences.json", written)
    data.write(f"{at}/holds.json", {"features": features})
    return (
        f"{shown.entry.title}: {len(sequences):,} of {all_documents.total:,} sequences, moments of "
        f"{len(features):,} of {len(living):,} features"
    )


def _fill(
    data: ExportFiles, at: str, items: Iterator[tuple[int, bytes]], room: float, bar: Bar
) -> tuple[list[int], int]:
    """Write items while they fit; their numbers, and the bytes that they take."""
    written, used, refused = [], 0, 0
    for number, text in items:
        if used + len(text) > room:
            refused += 1
            if refused == _REFUSED:
                break
            continue
        data.write_bytes(f"{at}/{number}.json", text)
        bar.advance(len(text))
        written.append(number)
        used += len(text)
    return written, used


def _sounds(
    data: ExportFiles,
    at: str,
    opened: RunCache,
    key: str,
    numbers: list[int],
    room: float,
    bar: Bar,
) -> int:
    """Write the sounds of these sequences while they fit; the bytes that they take."""
    used = 0
    for number in numbers:
        source = opened.input(key, number)
        if source is None or not source.is_sound:
            continue
        wav = sound(opened, key, number)
        if used + wav.size <= room:
            data.write_bytes(f"{at}/{number}.wav", wav.read(0, wav.size))
            bar.advance(wav.size)
            used += wav.size
    return used


def _features(opened: RunCache, key: str, numbers: list[int]) -> Iterator[tuple[int, bytes]]:
    panels = [panel for panel in manifests.panels() if panel.exported]
    for place, number in enumerate(numbers):
        record: dict[str, BaseModel] = {"feature": feature(opened, key, number)}
        for panel in panels:
            if panel.answer and (place < COMPUTED or not panel.computed):
                record[panel.name] = panel.answer(opened, key, number)
        yield number, as_json(record)


def _sequences(opened: RunCache, key: str, numbers: list[int]) -> Iterator[tuple[int, bytes]]:
    peak = opened.dictionary(key).table.peak
    for number in numbers:
        code = opened.code(key, number)
        yield (
            number,
            as_json(
                {
                    "text": document(opened, key, number, most=None),
                    **page_code(code, peak),
                    "boundaries": opened.boundaries(key, number),
                    "input": input_view(opened, key, number, packed=True),
                    "lanes": {
                        lane.name: lane.answer(opened, key, number, 0, None)
                        for lane in manifests.lanes()
                        if lane.answer
                    },
                }
            ),
        )


def _telling(opened: RunCache, key: str, count: int) -> list[int]:
    from sparsetime.features.ranking import most_informative

    return [int(f) for f in most_informative(opened.dictionary(key).index.features, count)]


def _sequence_order(opened: RunCache, key: str) -> list[int]:
    """Sequences that read best first, the sources in turn; the rest in their order."""
    shown = opened.dictionary(key)
    numbers: list[int] = shown.index.sequences["sequence"].to_pylist()
    best = [
        excerpt.sequence for excerpt in choose_excerpts(shown.store, len(numbers), numbers, steps=1)
    ]
    return list(dict.fromkeys([opened.opens_at(key)[0], *best, *numbers]))
