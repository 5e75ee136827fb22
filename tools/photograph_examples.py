"""Photographs the runs of the worked examples in the explorer, for docs/examples.md.

    make examples && python tools/photograph_examples.py runs/examples docs/images

Needs Chromium and the packages for development. Each picture is the page of one feature of the
example's own table.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from photograph import photograph
from playwright.sync_api import sync_playwright

import sparsetime as st
from sparsetime.features.labels.stored_label import NO_EVENT


def named(label: str) -> Any:
    """The feature that detects a value of that name best."""

    def chosen(index: st.FeatureIndex) -> int:
        rows = index.details("label_scores").table.to_pylist()
        return best((r for r in rows if r["name"] == label), "phi")

    return chosen


def most_certain(index: st.FeatureIndex) -> int:
    """The named feature of an event with the largest smaller one of precision and recall."""
    rows = index.details("label_scores").table.to_pylist()
    named_rows = (r for r in rows if r["value"] != NO_EVENT and discovered(r))
    return best(
        (r | {"both": min(r["precision"] or 0, r["recall"] or 0)} for r in named_rows), "both"
    )


def responding(kind: str) -> Any:
    """The feature whose rate changes most after a type of event."""

    def chosen(index: st.FeatureIndex) -> int:
        rows = index.details("peri_event").table.to_pylist()
        rows = [r | {"change": abs(r["peak"] - r["baseline"])} for r in rows if r["type"] == kind]
        return best((r for r in rows if discovered(r)), "change")

    return chosen


def discovered(row: dict[str, Any]) -> bool:
    """Whether a row was tested and its false-discovery rate is at most 0.05."""
    return row["q"] is not None and row["q"] <= 0.05


def best(rows: Any, key: str) -> int:
    """The feature of the row with the largest value."""
    return int(max(rows, key=lambda row: row[key] or 0)["feature"])


PICTURES = {
    "music_pitch": most_certain,
    "speech": named("fricative"),
    "protein": named("zinc finger"),
    "sensors": named("Running (activity)"),
    "video": named("circling (motion)"),
    "eeg": responding("spindle"),
}


def main(runs: str, out: str, *names: str) -> None:
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"))
        for name in names or PICTURES:
            index = st.open_index(f"{runs}/{name}/dictionary/features")
            explorer = st.explore(f"{runs}/{name}", browser=False)
            try:
                page = f"{explorer.url}features/dictionary/{PICTURES[name](index)}"
                picture = photograph(browser, page, "light")
            finally:
                explorer.stop()
            Path(out, f"example-{name.replace('_', '-')}.webp").write_bytes(picture)
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
