"""Delay from a sample of the microphone to its column in the live view of the explorer.

    python benchmarks/microphone.py --network crepe

Needs Chromium, Playwright and the wheel of the network (sparsetime testbeds fetch). A store of made
melodies, an untrained TopK dictionary of 512 latents and its index are made in a temporary folder.
Chromium's fake microphone plays one of the melodies for --seconds. The delay is from the arrival of
the last sample of a piece in the page to the drawing of its columns; a piece is 40 ms of sound, so
that its first sample waits 40 ms more. The last line is JSON; --keep also writes it to
benchmarks/results/, under the name of the network.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import wave
from pathlib import Path

import sparsetime as st  # isort: skip  before torch

import numpy as np
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype
from playwright.sync_api import sync_playwright

from sparsetime.testbeds import crepe, melodies, speech_detector, voice_encoder

NETWORKS = {
    "crepe": (lambda: crepe("tiny"), "latent"),
    "voice": (voice_encoder, "lstm"),
    "detector": (speech_detector, "lstm"),
}
RATE, PIECE = 16_000, 40  # samples a second; milliseconds
NOTE = """() => { window.delays = [];
  new MutationObserver(() => {
    const status = document.querySelector("[data-latency]");
    if (status) window.delays.push(Number(status.dataset.latency));
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-latency"] });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--network", choices=NETWORKS, default="crepe")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    add_selection_dtype(parser)
    options = parser.parse_args()
    made, site = NETWORKS[options.network]
    model, recordings = made(), melodies(2, seconds=4.0)
    with tempfile.TemporaryDirectory() as folder:
        documents = [recording.document for recording in recordings]
        store = st.capture(
            model, documents, site, f"{folder}/run/activations", keep_input=True, progress=False
        )
        sae = st.dictionary("topk", d_in=store.d, width=512, k=8)
        st.dictionaries.init_from_data(sae, store.read(0, len(store)))
        sae.save(f"{folder}/run/topk")
        st.index(sae, store, f"{folder}/run/topk/features", progress=False)
        sound = Path(folder) / "melody.wav"
        with wave.open(str(sound), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            samples = np.asarray(recordings[0].audio, dtype=np.float64)
            file.writeframes((samples / np.abs(samples).max() * 30_000).astype("<i2").tobytes())
        explorer = st.explore(f"{folder}/run", model=model, browser=False)
        try:
            delays, status = listened(explorer.url, sound, options.seconds)
        finally:
            explorer.stop()
    median, high = np.quantile(delays, [0.5, 0.95])
    result = {
        "benchmark": "microphone", "network": options.network, "pieces": len(delays),
        "median_ms": round(float(median), 1), "p95_ms": round(float(high), 1),
        "first_sample_median_ms": round(float(median) + PIECE, 1), "machine": machine(),
    }  # fmt: skip
    print(status)
    rows = [[options.network, str(len(delays)), f"{median:.0f}", f"{high:.0f}"]]
    markdown = table(["network", "pieces", "median, ms", "95th percentile, ms"], rows)
    conclude(f"microphone_{options.network}", result, markdown, options.keep)


def listened(url: str, sound: Path, seconds: float) -> tuple[list[float], str]:
    """Delays of the pieces after the first second, and what the page says at the end."""
    fake = [
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}", "--autoplay-policy=no-user-gesture-required",
    ]  # fmt: skip
    names = ("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as engine:
        found = next(filter(None, map(shutil.which, names)), engine.chromium.executable_path)
        browser = engine.chromium.launch(executable_path=found, args=fake)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}live")
        page.wait_for_selector(".view[data-ready]")
        page.get_by_role("button", name="Listen to the microphone").click()
        page.wait_for_selector("canvas.timeline", timeout=60_000)
        page.wait_for_timeout(1000)
        page.evaluate(NOTE)
        page.wait_for_timeout(1000 * seconds)
        delays: list[float] = page.evaluate("() => window.delays")
        status = page.locator("[data-latency]").inner_text()
        browser.close()
    return delays, status


if __name__ == "__main__":
    main()
