"""The explorer's view of attention over a long sequence: time until a pattern is on screen.

    python benchmarks/attention_view.py --run runs/demo --steps 16384

A small transformer of random weights reads random tokens, and its attention is kept in the run
beside what exact block selection reads. Measured are the server's answer of a whole pattern map, of
a head that was not read before and of one that was, and, in headless Chromium, the time from a key
that chooses the next head, or that zooms, until the new map is painted. Needs Playwright.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
import urllib.request
from pathlib import Path

import sparsetime as st  # isort: skip  before torch

import torch
from playwright.sync_api import sync_playwright

from sparsetime import seeds
from sparsetime.attention import AttentionPolicy, keep_attention

LAYERS, HEADS, ROUNDS = 2, 4, 12
# From a key until the map that it asks for is painted: its answer is in, and two frames are drawn.
UNTIL_PAINTED = """async (key) => {
  const all = () => performance.getEntriesByType("resource");
  const maps = () => all().filter((entry) => entry.name.includes("/map"));
  const before = maps().length, began = performance.now();
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  document.querySelector("canvas.attention").dispatchEvent(new KeyboardEvent("keydown", { key }));
  while (maps().length === before || !maps().at(-1).responseEnd) await frame();
  await frame(); await frame();
  return performance.now() - began; }"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", default="runs/demo")
    parser.add_argument("--steps", type=int, default=16384)
    chosen = parser.parse_args()
    name = f"benchmark-{chosen.steps}"
    folder = Path(chosen.run, "attention", name)
    if not folder.exists():
        keep(folder, chosen.steps)
    explorer = st.explore(chosen.run, browser=False)
    try:
        base = f"{explorer.url}api/attention/{name}/heads"
        times: dict[str, list[float]] = {}
        for number in range(LAYERS * HEADS):
            for what in ("server, head not read before", "server, head read before"):
                began = time.perf_counter()
                urllib.request.urlopen(f"{base}/{number}/map?policy=0&cells=512").read()
                times.setdefault(what, []).append(1e3 * (time.perf_counter() - began))
        in_browser(f"{explorer.url}attention?name={name}&head=0", times)
    finally:
        explorer.stop()
    for what, values in times.items():
        ordered = sorted(values)
        print(f"{what}: median {statistics.median(ordered):.0f} ms, slowest {ordered[-1]:.0f} ms")


def keep(folder: Path, steps: int) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64, hidden_size=64, intermediate_size=64, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=HEADS, max_position_embeddings=steps,
        attn_implementation="sdpa",
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    generator = seeds.torch_generator(0, "random inputs")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2:
                # Random queries and keys of the usual size attend evenly.
                size = 0.24 if name.endswith(("q_proj.weight", "k_proj.weight")) else 0.02
                weight.copy_(size * torch.randn(weight.shape, generator=generator))
    tokens = torch.randint(64, (1, steps), generator=generator)
    policy = AttentionPolicy(
        {"kind": "blocks", "size": 128, "tile": 128},
        {"kind": "window", "size": 128, "sinks": 4},
        "pooled",
        {"kind": "top_keys", "keys": steps // 8},
        name="pooled blocks",
    )
    keep_attention(model, tokens, folder, [policy])


def in_browser(address: str, times: dict[str, list[float]]) -> None:
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(address)
        page.wait_for_selector(".attention-pairs li")
        page.wait_for_timeout(1000)
        for key, what in (("ArrowDown", "next head"), ("ArrowUp", "head before"), ("+", "zoom")):
            for _ in range(LAYERS * HEADS - 1 if key != "+" else ROUNDS):
                took = page.evaluate(UNTIL_PAINTED, key)
                times.setdefault(f"Chromium, {what}, painted", []).append(took)
                page.wait_for_timeout(300)
        browser.close()


if __name__ == "__main__":
    main()
