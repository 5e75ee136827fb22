"""Overhead of a monitor for each step of a running model, in interleaved runs with and without it.

    python benchmarks/monitor_step.py --layers 2 --every 256

A model that reads one step at a time (a GRU of 512 units; --layers), a TopK dictionary of 4,096
latents on its output, one alarm of three features, and drift over all features. Blocks of 512 steps
with and without the monitor alternate; reported is the median of their ratios, in seconds of the
processor.
"""

from __future__ import annotations

import argparse
import statistics
import time

import sparsetime as st  # isort: skip  before torch

import numpy as np
import torch
from harness.selection import add_selection_dtype

from sparsetime import seeds
from sparsetime.dictionaries.dictionary_hash import dictionary_hash
from sparsetime.monitors import Alarm, Monitor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--every", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=20)
    add_selection_dtype(parser)
    chosen = parser.parse_args()
    # The values of weights and inputs make no difference to the time.
    model = torch.nn.GRU(64, chosen.hidden, num_layers=chosen.layers, batch_first=True).eval()
    sae = st.dictionary("topk", d_in=chosen.hidden, width=chosen.width, k=32)
    monitor = Monitor(
        alarms={"a": Alarm((1, 2, 3))},
        thresholds={"a": 1e9},
        detections={},
        reference=np.full(chosen.width, 32 / chosen.width),
        drift_window=600,
        drift_threshold=1e9,
        drift_rate=0.0,
        step=0.01,
        hold_steps=100,
        site=".",
        model_hash="",
        dictionary_hash=dictionary_hash(sae),
        about={},
    )
    x = torch.randn(512, 1, 1, 64, generator=seeds.torch_generator(0, "random inputs"))

    def steps() -> float:
        """Seconds of the processor, which other programs change less than those of the clock."""
        state = None
        began = time.process_time()
        with torch.inference_mode():
            for row in x:
                _, state = model(row, state)
        return time.process_time() - began

    def watched() -> float:
        with monitor.watch(sae).attach(model, every=chosen.every):
            return steps()

    steps(), watched()
    plain, ratios = [], []
    for _ in range(chosen.blocks):
        plain.append(steps())
        ratios.append(watched() / plain[-1])
    low, high = np.quantile(ratios, [0.25, 0.75])
    print(
        f"{chosen.layers} layers: plain step {1e6 * statistics.median(plain) / len(x):.0f} us; "
        f"with the monitor {statistics.median(ratios):.3f} times (quartiles {low:.3f} to "
        f"{high:.3f}, {chosen.blocks} interleaved blocks, every={chosen.every})"
    )


if __name__ == "__main__":
    main()
