"""Time until the timeline of a long recording is drawn, and frames a second while it is panned.

    python benchmarks/signal_timeline.py --run /tmp/montage

A made recording of 64 channels and one hour at 256 Hz is kept in a .npy file, captured from a small
model with its input, indexed, and opened in Chromium: the whole hour as a heat map, as lines, and
ten seconds of it. Frames are counted while ten seconds of view move over the recording, each frame
a pan as a wheel makes it. The run stays in the folder that --run names. The last line is JSON;
--keep also writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype
from playwright.sync_api import CDPSession, Page, sync_playwright

import sparsetime as st
from sparsetime import seeds
from sparsetime.activations.capture.document import Document

RATE = 256
PAN = """async () => {
  const canvas = document.querySelector("canvas.timeline");
  const box = canvas.getBoundingClientRect();
  const frames = [];
  for (let frame = 0; frame < 150; frame += 1) {
    const deltaX = 20 * (frame % 100 < 50 ? 1 : -1);
    canvas.dispatchEvent(new WheelEvent("wheel",
      { deltaX, clientX: box.left + 600, clientY: box.top + 40, bubbles: true, cancelable: true }));
    frames.push(await new Promise((done) => requestAnimationFrame(done)));
  }
  const apart = frames.slice(1).map((at, i) => at - frames[i]).sort((a, b) => a - b);
  return { median_ms: apart[apart.length >> 1], p95_ms: apart[Math.floor(apart.length * 0.95)],
    frames_a_second: 1000 * (frames.length - 1) / (frames.at(-1) - frames[0]) }; }"""


def make_run(folder: Path, channels: int, seconds: int) -> None:
    """The recording, a store of what a layer makes of it, and an index of a dictionary."""
    rng = seeds.numpy_generator(0, "random tokens")
    steps = seconds * RATE
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "recording.npy"
    values = np.lib.format.open_memmap(file, "w+", np.float32, (steps, channels))
    times = np.arange(steps) / RATE
    for channel in range(channels):
        rhythm = np.sin(2 * np.pi * (8 + channel / 16) * times) * (np.sin(times / 30) > 0)
        values[:, channel] = 20 * rhythm + rng.standard_normal(steps, dtype=np.float32) * 10
    values.flush()
    recording = st.Recording(
        rate=RATE,
        channels=[f"E{n + 1}" for n in range(channels)],
        units=["uV"] * channels,
        file=st.InputFile(str(file)),
    )
    document = Document("night", values=torch.from_numpy(np.asarray(values)), recording=recording)
    with seeds.torch_globals(0, "random inputs"):
        model = torch.nn.Sequential(torch.nn.Linear(channels, 16), torch.nn.Tanh())
    store = st.capture(
        model, [document], "1", folder / "activations", keep_input=True, window=8192, batch=4,
        progress=False,
    )  # fmt: skip
    sae = st.dictionary("topk", d_in=16, width=64, k=4)
    sae.save(str(folder / "topk"))
    st.index(sae, store, out=folder / "topk/features", progress=False)


def opened(page: Page, address: str) -> dict[str, Any]:
    """Seconds until the timeline is drawn, of them the processor's, and frames while it is panned.

    On a machine with other work the seconds of the processor alone say what was computed.
    """
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable")
    began, before, page_before = time.monotonic(), time.process_time(), task_seconds(metrics)
    page.goto(address)
    page.wait_for_selector(".view[data-ready]")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    seconds = {
        "opens_s": time.monotonic() - began,
        "server_processor_s": time.process_time() - before,
        "page_processor_s": task_seconds(metrics) - page_before,
    }
    metrics.detach()
    return {name: round(value, 2) for name, value in seconds.items()} | page.evaluate(PAN)


def task_seconds(metrics: CDPSession) -> float:
    """Seconds of tasks on the page's main thread so far."""
    answered = metrics.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in answered if one["name"] == "TaskDuration")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="/tmp/montage", help="a folder to make the run in")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    add_selection_dtype(parser)
    options = parser.parse_args()
    run = Path(options.run)
    if not (run / "topk/features/index.json").exists():
        make_run(run, options.channels, options.seconds)
    explorer = st.explore(run, browser=False)
    steps = options.seconds * RATE
    views = {
        "hour, heat map, first look": f"s=0&from=0&to={steps}",
        "hour, heat map": f"s=0&from=0&to={steps}",
        "hour, lines": f"s=0&from=0&to={steps}&look=lines",
        "10 s, heat map": f"s=0&from={steps // 2}&to={steps // 2 + 10 * RATE}",
        "10 s, lines": f"s=0&from={steps // 2}&to={steps // 2 + 10 * RATE}&look=lines",
    }
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(explorer.url)
        page.wait_for_selector(".view[data-ready]")
        results = {
            name: opened(page, f"{explorer.url}timeline?{query}") for name, query in views.items()
        }
        browser.close()
    explorer.stop()
    about = {"channels": options.channels, "seconds": options.seconds, "rate": RATE}
    result = {"benchmark": "signal_timeline", "recording": about, "views": results}
    result["machine"] = machine()
    rows = [
        [
            name,
            *(str(value[part]) for part in ("opens_s", "server_processor_s", "page_processor_s")),
            f"{value['frames_a_second']:.0f}",
            f"{value['p95_ms']:.0f}",
        ]
        for name, value in results.items()
    ]
    head = [
        "view", "opens, s", "processor: server, s", "page, s", "frames a second",
        "95% of frames, ms",
    ]  # fmt: skip
    conclude("signal_timeline", result, table(head, rows), options.keep)


if __name__ == "__main__":
    main()
