"""How the explorer feels: time to the first picture, frames a second, keys to columns.

    python benchmarks/explorer_browser.py --run runs/demo

Needs Chromium and Playwright. The first picture is measured from the start of a fresh process of
`sparsetime explore` to the overview's pictures painted in a browser that is open already. Frames
are counted while a timeline of 2,000 steps and 2,000 rows is panned and zoomed. It is made in the
page, so that nothing but drawing is timed. The last line is JSON; --keep also writes it to
benchmarks/results/, under the name of the run's model.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from harness.figures import conclude, machine, table
from harness.synthetic_run import about_run
from playwright.sync_api import sync_playwright

from sparsetime.demo.model import live_model

TEXT = "The river carries a little of the old town away every morning, and nobody minds."
DRAWN = """() => { const c = document.querySelector("canvas.thumbnail");
  if (!c || !c.width) return false;
  return c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((v) => v > 0); }"""
TIMELINE = Path(__file__).with_suffix(".js")  # a function that makes a timeline and draws it


def function(file: Path) -> str:
    """A file of one function as an expression: the formatter ends it with a semicolon."""
    return file.read_text().rstrip().removesuffix(";")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/demo")
    parser.add_argument("--keys", type=int, default=30, help="keys pressed in the live view")
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    options = parser.parse_args()
    if not os.path.exists(options.run):  # noqa: PTH110
        print(json.dumps({"skipped": f"{options.run} does not exist; make demo makes it"}))
        return
    result = {"benchmark": "explorer_browser", "run": about_run(options.run)}
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        for attempt in ("first_picture_s", "first_picture_again_s"):
            process, url, began = start(options.run)
            page.goto(url)
            until(page, DRAWN)
            result[attempt] = round(time.monotonic() - began, 2)
            if attempt == "first_picture_s":
                stop(process)
        result["timeline"] = rounded(page.evaluate(function(TIMELINE), [2000, 2000]))
        if live_model(options.run):
            result["live"] = keys(page, url, options.keys)
        stop(process)
        browser.close()
    result["machine"] = machine() | {"load": round(os.getloadavg()[0], 1)}
    shown = [[name, str(value)] for name, value in flat(result).items()]
    conclude(
        f"explorer_browser_{result['run']['model']}", result, table(["", ""], shown), options.keep
    )


def flat(result: dict[str, object]) -> dict[str, object]:
    """The figures, those of a part under the name of the part and their own."""
    numbers = {name: value for name, value in result.items() if isinstance(value, float)}
    parts = [(name, result[name]) for name in ("timeline", "live") if name in result]
    return numbers | {f"{part}, {name}": value for part, of in parts for name, value in of.items()}


def start(run: str, *options: str) -> tuple[subprocess.Popen[bytes], str, float]:
    port = free_port()
    began = time.monotonic()
    command = [sys.executable, "-c", "from sparsetime.cli import app; app()", "explore", run]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--no-open", *options], stdout=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/"
    while True:
        try:
            urllib.request.urlopen(url).close()
            return process, url, began
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.01)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


def until(page: object, condition: str) -> None:
    while not page.evaluate(condition):  # type: ignore[attr-defined]
        time.sleep(0.01)


def keys(page: object, url: str, count: int) -> dict[str, float]:
    """Milliseconds from a key to its column, as the page itself measures them."""
    page.goto(f"{url}live")  # type: ignore[attr-defined]
    page.wait_for_selector("textarea")  # type: ignore[attr-defined]
    began = time.monotonic()
    page.locator("textarea").fill(TEXT)  # type: ignore[attr-defined]
    said = page.locator(".view > .count")  # type: ignore[attr-defined]
    while "after" not in said.inner_text():
        time.sleep(0.01)
    loaded = time.monotonic() - began
    taken = []
    for at in range(count):
        page.locator("textarea").press_sequentially(" word"[at % 5])  # type: ignore[attr-defined]
        page.wait_for_timeout(400)  # type: ignore[attr-defined]
        taken.append(float(said.inner_text().split(", ")[1].split(" ms")[0]))
    taken.sort()
    return {
        "model_loaded_s": round(loaded, 2),
        "median_ms": taken[count // 2],
        "p95_ms": taken[int(0.95 * count)],
    }


def rounded(numbers: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in numbers.items()}


if __name__ == "__main__":
    main()
