"""Error on held-out activations and silent latents, at equal tokens: sparsetime and its peers.

    python benchmarks/quality.py STORE [--rows 1000000] [--seeds 0,1] [--learning-rates 3e-4]

The store is split by document. All train a TopK dictionary on the same batches in the same order,
with the same warm-up and (where they have one) decay of the learning rate, and count a latent as
dead after the same number of rows. Each peer normalises activations by its own means; `--raw`
turns that off. With several learning rates, each library is reported at its best one. FVU and dead
latents are of all held-out rows, encoded and decoded as the library does for inference.
The last line is JSON; --keep also writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

import torch
from harness.data import write
from harness.environments import CACHE
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype
from harness.workers import Crew, WorkerError

import sparsetime as st

PEERS = ("sae_lens", "dictionary_learning")


def batches(store: Any, batch: int, steps: int, seed: int, held_out: float) -> tuple[Path, Path]:
    """Two files: the training rows of one seed in their order, and the held-out rows."""
    train, held = store.split(held_out)
    order = train.rows(batch, seed=seed, epochs=None)
    dtype = torch.float16 if store.dtype == "float16" else torch.float32
    rows = torch.cat([next(order).to(dtype) for _ in range(steps)])
    path = write(CACHE / f"quality_train_{seed}.safetensors", rows)
    return path, write(CACHE / "quality_held_out.safetensors", held.read(0, len(held)))


def main() -> None:
    options = arguments()
    if not Path(options.store).exists():
        print(f"{options.store} does not exist; give a store of activations", file=sys.stderr)
        print(json.dumps({"benchmark": "quality", "skipped": "no store"}))
        return
    store = st.open_store(options.store)
    steps = max(2, options.rows // options.batch)
    libraries = ["sparsetime", *(name for name in options.peers.split(",") if name)]
    result: dict[str, Any] = {
        "benchmark": "quality",
        "site": store.site,
        "d": store.d,
        "rows": steps * options.batch,
        **{key: getattr(options, key) for key in ("batch", "width", "k", "raw", "threads")},
        "machine": machine(),
        "runs": [],
    }
    with Crew(libraries, options.threads) as crew:
        result["versions"], result["left_out"] = crew.versions, crew.left_out
        for seed in map(int, options.seeds.split(",")):
            path, held = batches(store, options.batch, steps, seed, options.held_out)
            task = {
                "recipe": "topk",
                "data": str(path),
                "width": options.width,
                "k": options.k,
                "batch": options.batch,
                "steps": steps,
                "warmup_steps": round(0.05 * steps),
                "decay_steps": round(0.2 * steps),
                "dead_rows": steps * options.batch // 10,
                "seed": seed,
                "normalise": not options.raw,
            }
            for rate in map(float, options.learning_rates.split(",")):
                for library, worker in crew.workers.items():
                    run = {"library": library, "seed": seed, "learning_rate": rate}
                    try:
                        worker.ask("make", name="run", task={**task, "learning_rate": rate})
                        run["step_s"] = statistics.median(
                            worker.ask("step", name="run", n=steps)["seconds"]
                        )
                        run |= worker.ask("evaluate", name="run", data=str(held))
                        run["silent"] = options.width - run.pop("fired")
                    except WorkerError as error:
                        run["error"] = str(error)
                    worker.ask("drop")
                    result["runs"].append(run)
                    print(run, file=sys.stderr)
    result["libraries"] = best(result["runs"])
    conclude("quality", result, markdown(result), options.keep)


def best(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each library its rate of least mean FVU over the seeds, and how it does there."""
    by_library: dict[str, Any] = {}
    for library in dict.fromkeys(run["library"] for run in runs):
        own_runs = [run for run in runs if run["library"] == library and "error" not in run]
        by_rate = [
            [run for run in own_runs if run["learning_rate"] == rate]
            for rate in {run["learning_rate"] for run in own_runs}
        ]
        if not by_rate:
            continue
        chosen = min(by_rate, key=lambda group: statistics.mean(run["fvu"] for run in group))
        by_library[library] = {
            "learning_rate": chosen[0]["learning_rate"],
            **{
                key: statistics.mean(run[key] for run in chosen)
                for key in ("fvu", "silent", "l0", "step_s")
            },
        }
    ours = by_library.get("sparsetime")
    if ours:
        for own_runs in by_library.values():
            own_runs["fvu_over_sparsetime"] = round(own_runs["fvu"] / ours["fvu"], 4)
    return by_library


def markdown(result: dict[str, Any]) -> str:
    rows = [
        [
            library,
            f"{best_run['learning_rate']:.1g}",
            f"{best_run['fvu']:.4f}",
            f"{best_run['silent']:.1f} of {result['width']}",
            f"{best_run['l0']:.1f}",
        ]
        for library, best_run in result["libraries"].items()
    ]
    return table(["library", "learning rate", "FVU", "silent latents", "L0"], rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    demo = next(iter(sorted(Path("runs/demo/activations").glob("**/manifest.json"))), None)
    parser.add_argument("store", nargs="?", default=str(demo.parent if demo else "runs/demo"))
    parser.add_argument("--rows", type=int, default=409_600, help="activations to train on")
    parser.add_argument("--held-out", type=float, default=0.1, help="share of the documents")
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--learning-rates", default="3e-4")
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--raw", action="store_true", help="peers see activations as they are")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    return parser.parse_args()


if __name__ == "__main__":
    main()
