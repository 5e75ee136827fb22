"""One training step, one encoded batch, and their memory: sparsetime against its peers.

    python benchmarks/training_step.py [--store FOLDER] [--rounds 11] [--peers sae_lens,...]

Every library runs in a process and an environment of its own (made under build/benchmarks, once),
on the same batches, with the same width, k, learning rate, Adam, float32 weights and number of
threads. In each round every entrant takes two steps, in an order drawn again, so that whatever else
the machine does hits all alike. The second is timed: the first brings an entrant's own data back
into the caches, where it would be in a training. A ratio is taken within a round.
`dead` is the share of latents held to be dead, so that aux-k has equal work everywhere: 0 leaves
it idle. The last line is JSON; --keep also writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from harness.data import synthetic, write
from harness.figures import conclude, machine, quartiles, spread, table
from harness.selection import add_selection_dtype
from harness.workers import Crew, Worker, WorkerError

from sparsetime import seeds

RECIPES = ("topk", "batch_topk", "matryoshka_batch_topk", "jumprelu", "temporal_matryoshka")
PEERS = {"sae_lens": RECIPES[:4], "dictionary_learning": RECIPES[:4], "sparsify": RECIPES[:1]}
OURS = "sparsetime"


def entrants(recipe: str, libraries: list[str]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Who takes part for a recipe: label -> (library, what its task has of its own)."""
    tasks = {
        library: (library, {"recipe": recipe})
        for library in libraries
        if recipe in PEERS.get(library, RECIPES)
    }
    if recipe == "topk":
        exact = {"selection_dtype": "float32"}
        tasks["sparsetime, float32 selection"] = (OURS, {"recipe": recipe, "options": exact})
        tasks["one float32 product"] = (OURS, {"recipe": "product"})
    return tasks


class Race:
    """The entrants for one recipe, made and warmed up; those that fail are left out."""

    def __init__(self, crew: Crew, recipe: str, task: dict[str, Any]) -> None:
        self.workers: dict[str, Worker] = {}
        self.left_out: dict[str, str] = {}
        for label, (library, settings) in entrants(recipe, list(crew.workers)).items():
            worker = crew.workers[library]
            try:
                worker.ask("make", name=label, task={**task, **settings})
                self.workers[label] = worker
            except WorkerError as error:
                self.left_out[label] = str(error)

    def run(self, do: str, rounds: int, warm_up: int, **order: Any) -> dict[str, list[float]]:
        """Seconds by entrant, one number a round."""
        seconds: dict[str, list[float]] = {}
        for label in list(self.workers):
            try:
                self.workers[label].ask(do, name=label, n=warm_up, **order)
                seconds[label] = []
            except WorkerError as error:
                self.left_out[f"{label}: {do}"] = str(error)
        order_of = seeds.numpy_generator(0, "order of measurements", do)
        for _ in range(rounds):
            for label in order_of.permutation(list(seconds)).tolist():
                answer = self.workers[label].ask(do, name=label, n=2, **order)
                seconds[label].append(answer["seconds"][-1])
        return seconds

    def end(self) -> None:
        for worker in set(self.workers.values()):
            worker.ask("drop")


def summary(seconds: dict[str, list[float]], batch: int) -> dict[str, Any]:
    """For each entrant: seconds, rows a second, and how many times ours it takes."""
    ours = seconds.get(OURS)
    by_label: dict[str, Any] = {}
    for label, own_seconds in seconds.items():
        by_label[label] = {"seconds": quartiles(own_seconds)}
        by_label[label]["rows_per_s"] = round(batch / by_label[label]["seconds"]["median"])
        if ours and label != OURS:
            ratios = [a / b for a, b in zip(own_seconds, ours, strict=True)]
            by_label[label]["times_sparsetime"] = quartiles(ratios)
        product = seconds.get("one float32 product")
        if product and own_seconds is not product:
            by_label[label]["times_product"] = quartiles(
                [a / b for a, b in zip(own_seconds, product, strict=True)]
            )
    return by_label


def measure_memory(
    crew: Crew, recipe: str, task: dict[str, Any], dead: int, threads: int
) -> dict[str, Any]:
    """Each entrant in a fresh process, one after another."""
    by_label: dict[str, Any] = {}
    for label, (library, settings) in entrants(recipe, list(crew.workers)).items():
        if settings["recipe"] == "product":
            continue
        try:
            with Worker(library, threads) as worker:
                by_label[label] = worker.ask("memory", task={**task, **settings}, dead=dead)
        except WorkerError as error:
            by_label[label] = {"error": str(error)}
    return by_label


def main() -> None:
    options = arguments()
    libraries = [OURS, *(name for name in options.peers.split(",") if name)]
    result: dict[str, Any] = {
        "benchmark": "training_step",
        **{
            key: getattr(options, key) for key in ("batch", "width", "k", "rounds", "learning_rate")
        },
        "threads": options.threads,
        "machine": machine(),
        "recipes": {},
    }
    with Crew(libraries, options.threads) as crew:
        result["versions"], result["left_out"] = crew.versions, crew.left_out
        path, result["d"], result["data"] = rows_of(options)
        task = {
            "data": str(path),
            **{key: getattr(options, key) for key in ("width", "k", "batch", "learning_rate")},
        }
        for recipe in options.recipes.split(","):
            figures: dict[str, Any] = {}
            for share in options.dead.split(","):
                dead = round(float(share) * options.width)
                race = Race(crew, recipe, task)
                steps = race.run("step", options.rounds, options.warm_up, dead=dead)
                figures[f"step, {float(share):.0%} dead"] = summary(steps, options.batch)
                if dead == 0 and options.encode:
                    codes = race.run("encode", options.rounds, 2)
                    figures["encode"] = summary(codes, options.batch)
                race.end()
                figures.setdefault("left_out", {}).update(race.left_out)
            if options.memory:
                figures["memory"] = measure_memory(crew, recipe, task, 0, options.threads)
            result["recipes"][recipe] = figures
            print(f"{recipe} done", file=sys.stderr)
    conclude("training_step", result, markdown(result), options.keep)


def rows_of(options: argparse.Namespace) -> tuple[Path, int, str]:
    """The file of activations, their width, and where they are from."""
    count = options.batch * 8
    if not options.store:
        return synthetic(options.d, count), options.d, "synthetic"
    from harness.environments import CACHE

    import sparsetime as st

    store = st.open_store(options.store)
    rows = next(store.rows(count))
    return write(CACHE / "training_step.safetensors", rows), store.d, f"store, {store.site}"


def markdown(result: dict[str, Any]) -> str:
    rows, memory = [], []
    for recipe, figures in result["recipes"].items():
        for what, measured in figures.items():
            if what == "left_out":
                continue
            for label, values in measured.items():
                if what != "memory":
                    ratio = values.get("times_sparsetime")
                    ratio_text = f"{spread(ratio)}" if ratio else "1"
                    milliseconds = spread(values["seconds"], 1e3)
                    rows.append([f"{recipe}, {what}", label, milliseconds, ratio_text])
                elif "error" not in values:
                    cells = [
                        f"{values[key] / 2**20:,.0f}" for key in ("beyond_bytes", "weights_bytes")
                    ]
                    memory.append([recipe, label, *cells])
    times = table(["recipe", "library", "milliseconds", "times sparsetime's"], rows)
    if not memory:
        return times
    head = ["recipe", "library", "peak beyond weights and Adam, MiB", "weights, MiB"]
    return f"{times}\n\n{table(head, memory)}"


def arguments() -> argparse.Namespace:
    import os

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", help="take activations from a store; by default synthetic ones")
    parser.add_argument("--d", type=int, default=512, help="of synthetic activations")
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--warm-up", type=int, default=4, help="steps left out")
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--peers", default=",".join(PEERS), help='"" measures sparsetime alone')
    parser.add_argument("--dead", default="0,0.05", help="shares of latents held to be dead")
    parser.add_argument("--encode", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    return parser.parse_args()


if __name__ == "__main__":
    main()
