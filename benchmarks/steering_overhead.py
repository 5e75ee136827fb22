"""Overhead of steering in generation, in interleaved runs with and without it.

    python benchmarks/steering_overhead.py --model english --tokens 40

A TopK dictionary at one site of a language model, tokens generated one by one with the cache.
Plain and steered generation of as many tokens alternate; reported is the median of their ratios, in
seconds of the processor. `add` writes without a code; `set` and `while_on` encode each step.
"""

from __future__ import annotations

import argparse
import statistics
import time

import sparsetime as st  # isort: skip  before torch

import numpy as np
import torch
from harness.selection import add_selection_dtype

from sparsetime.interventions.generate import generate_tokens
from sparsetime.testbeds import code_model, english_model

CASES = {
    "add": ({7: 0.1}, st.spans.steps()),
    "add over a span": ({7: 0.1}, st.spans.generated().rising(4)),
    "set": ({7: st.edits.set(0.1)}, st.spans.steps()),
    "while_on": ({7: 0.1}, st.spans.while_on(9, hold=3)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=("english", "python"), default="english")
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=9)
    add_selection_dtype(parser)
    chosen = parser.parse_args()
    model = english_model() if chosen.model == "english" else code_model()
    layers = len(model.model.model.layers)
    d = model.model.config.hidden_size
    # The values of the dictionary's weights make no difference to the time.
    sae = st.dictionary("topk", d_in=d, width=chosen.width, k=32).eval()
    site = f"model.layers.{layers // 2}"
    prompt = torch.tensor([model.tokenizer("The river carries the morning,")["input_ids"]])

    def plain() -> float:
        began = time.process_time()
        for _ in generate_tokens(model.model, prompt, chosen.tokens):
            pass
        return time.process_time() - began

    def steered(run: st.steering.Steered) -> float:
        began = time.process_time()
        for _ in run.generate_tokens(prompt, chosen.tokens, ends=()):
            pass
        return time.process_time() - began

    runs = {
        name: st.steer(model, {site: sae}, {site: edits}, span=span)
        for name, (edits, span) in CASES.items()
    }
    plain()
    for run in runs.values():
        steered(run)
    ratios: dict[str, list[float]] = {name: [] for name in runs}
    seconds = []
    for _ in range(chosen.rounds):
        for name, run in runs.items():
            seconds.append(plain())
            ratios[name].append(steered(run) / seconds[-1])
    milliseconds = 1e3 * statistics.median(seconds) / chosen.tokens
    print(f"{chosen.model}: plain generation {milliseconds:.1f} ms a token")
    for name, measured in ratios.items():
        low, high = np.quantile(measured, [0.25, 0.75])
        print(f"{name}: {statistics.median(measured):.3f} times ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
