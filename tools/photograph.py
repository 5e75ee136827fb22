"""Photographs the explorer in a browser, light and dark, for the README and the docs.

    python tools/photograph.py runs/demo docs/images

Needs Chromium and the packages for development. The passage is from the docstrings of `fractions`,
where prose, examples and two very long numbers take turns; pinned is the slow feature that these
numbers have most to themselves, whichever it is in this run.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

import sparsetime

DICTIONARY, DOCUMENT, BEGINS = "temporal_matryoshka", "docstrings/fractions", "6620291452234629"
BEFORE, LONG, AFTER = 48, 18, 37  # steps of the passage: up to the numbers, of them, and beyond
ROWS, SIZE, SHARPNESS = 24, {"width": 1440, "height": 960}, 2

# A photograph as WebP: a quarter of what it is as PNG.
SMALLER = """async (png) => {
  const picture = new Image(); picture.src = png; await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width; canvas.height = picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", 0.82); }"""


def main(run: str, out: str) -> None:
    explorer = sparsetime.explore(run, browser=False)
    try:
        address = passage(explorer.url)
        with sync_playwright() as engine:
            browser = engine.chromium.launch(executable_path=shutil.which("chromium"))
            for name, scheme, path in (
                ("timeline", "light", address),
                ("timeline", "dark", address),
                ("overview", "light", ""),
                ("feature", "light", f"features/{DICTIONARY}/{lasting(explorer.url)}"),
                ("compare", "dark", "compare"),
            ):
                picture = photograph(browser, explorer.url + path, scheme)
                Path(out, f"{name}-{scheme}.webp").write_bytes(picture)
            browser.close()
    finally:
        explorer.stop()


def passage(url: str) -> str:
    """The address of the passage in this run's explorer."""
    base = f"{url}api/dictionaries/{DICTIONARY}/sequences"
    sequences = asked(f"{base}?words={urllib.parse.quote(DOCUMENT)}&limit=500")["lines"]
    number = next(line["sequence"] for line in sequences if line["id"] == DOCUMENT)
    words = asked(f"{base}/{number}/words")["words"]
    # A tokenizer cuts the number in pieces: it begins where they join to it.
    begin = next(i for i in range(len(words)) if "".join(words[i : i + 16]).startswith(BEGINS))
    enriched = asked(f"{base}/{number}/specific?first={begin}&stop={begin + LONG}&limit=100")
    pinned = next(feature["feature"] for feature in enriched if feature["part"] == "first")
    return (
        f"timeline?d={DICTIONARY}&s={number}&from={begin - BEFORE}&to={begin + LONG + AFTER}"
        f"&rows={ROWS}&pins={DICTIONARY}:{pinned}"
    )


def lasting(url: str) -> int:
    """The most informative feature about words, of those that are slow and often active."""
    slow = f"{url}api/dictionaries/{DICTIONARY}/features?part=first&density_min=0.01&dwell_min=2"
    return int(asked(f"{slow}&limit=1")["lines"][0]["feature"])


def asked(url: str) -> Any:
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def photograph(browser: Browser, url: str, scheme: str) -> bytes:
    page = browser.new_page(viewport=SIZE, device_scale_factor=SHARPNESS, color_scheme=scheme)
    page.goto(url)
    page.wait_for_selector(".view[data-ready]")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)  # rows glide to their places
    png = base64.b64encode(page.screenshot()).decode()
    page.close()
    blank = browser.new_page()
    smaller = blank.evaluate(SMALLER, f"data:image/png;base64,{png}")
    blank.close()
    return base64.b64decode(smaller.partition(",")[2])


if __name__ == "__main__":
    main(*sys.argv[1:])
