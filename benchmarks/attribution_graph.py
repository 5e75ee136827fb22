"""Seconds and exactness of an attribution graph: Python-source model, 28 tokens, 1,800 features.

    python benchmarks/attribution_graph.py --keep runs/graph

Four transcoders of width 768 with 16 active latents are trained first (or read from --keep), which
is not timed. A graph of all active features of 28 tokens is traced five times after one that
compiles the kernels. Reported are the median seconds, the largest error of sums on logits and on
pre-activations, the scores, and the agreement with ablation.
"""

from __future__ import annotations

import argparse
import inspect
import json
import statistics
import tempfile
import time
from importlib import import_module
from pathlib import Path

import sparsetime as st  # isort: skip  before torch

import torch
from harness.selection import add_selection_dtype

from sparsetime.testbeds.python_code.pretrained import code_model

_TEXT = "class Point:\n    def add(self, other):\n        return self.value + other.value\n\n"
_MODULES = (
    *("json.decoder", "argparse", "random", "difflib", "collections", "string", "shutil"),
    *("tempfile", "csv", "glob", "heapq", "calendar", "queue", "statistics"),
)
_TOKENS, _LAYERS, _WIDTH, _K = 28, 4, 768, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", help="A folder of transcoders, written where there are none.")
    parser.add_argument("--rows", type=int, default=150_000)
    add_selection_dtype(parser)
    chosen = parser.parse_args()
    model = code_model()
    with tempfile.TemporaryDirectory() as folder:
        transcoders = trained(model, Path(chosen.keep or folder), chosen.rows)
    tokens = model.tokenizer(_TEXT * 2)["input_ids"][:_TOKENS]
    seconds, processor = [], []
    for number in range(6):
        began, spent = time.perf_counter(), time.process_time()
        graph = st.circuit(model, transcoders, tokens, nodes=10_000)
        if number:
            seconds.append(time.perf_counter() - began)
            processor.append(time.process_time() - spent)
    with torch.no_grad():
        logits = model.model(input_ids=torch.tensor([tokens])).logits[0, -1].double()
    names = [
        model.tokenizer.convert_tokens_to_ids(model.tokenizer.tokenize(t["name"])[0])
        for t in graph.about["targets"]
    ]
    sums = graph.weights.double().sum(1)
    values = torch.tensor(graph.nodes["value"].to_pylist())
    of_logits = sums[graph.of_kind("target")] - (logits[names] - logits.mean())
    of_features = (sums - values)[graph.of_kind("feature")]
    found = graph.verify()
    result = {
        "tokens": len(tokens),
        "features": graph.about["features"],
        "threads": torch.get_num_threads(),
        "seconds": round(statistics.median(seconds), 3),
        "seconds_of_the_processor": round(statistics.median(processor), 3),
        "error_on_logits": float(of_logits.abs().max()),
        "error_on_pre_activations": float(of_features.abs().max()),
        "guards": graph.about["guards"],
        "scores": vars(graph.scores),
        "ablation": {
            "rank_correlation": found.rank_correlation,
            "sign_agreement": found.sign_agreement,
            "largest": found.largest,
            "random": found.random,
        },
    }
    text = json.dumps(result, indent=1)
    print(text)
    path = Path(__file__).parent / "results" / "attribution_graph.json"
    path.write_text(text + "\n")


def trained(model: object, folder: Path, rows: int) -> list[object]:
    """The transcoders of all layers, trained on modules of the standard library."""
    paths = [folder / f"transcoder-{layer}" for layer in range(_LAYERS)]
    if not all((path / "dictionary.json").exists() for path in paths):
        texts = [inspect.getsource(import_module(name)) for name in _MODULES]
        names = [f"model.layers.{i}.mlp{side}" for i in range(_LAYERS) for side in (":input", "")]
        stores = st.capture(model, texts, names, folder / "activations", window=128, progress=False)
        by_site = {store.site: store for store in stores}
        for layer, path in enumerate(paths):
            site = f"model.layers.{layer}.mlp"
            source = st.paired_sites(by_site[f"{site}:input"], by_site[site])
            sae = st.dictionary("transcoder", d_in=192, width=_WIDTH, k=_K)
            st.train(sae, source, out=path, rows=rows, batch=1024, show=False)
    return [st.load(path) for path in paths]


if __name__ == "__main__":
    main()
