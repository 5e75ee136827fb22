"""Recovery of known features on SAELens's synthetic data: sparsetime's defaults and SAELens.

    python benchmarks/quality_synthetic.py [--seeds 21,22,23] [--kinds independent] [--keep]

256 orthogonalised features in 64 dimensions, independent, hierarchical or correlated; k is the mean
L0 of the data. Both libraries train TopK, BatchTopK and Matryoshka dictionaries of width 256 on the
same 524,288 rows in the same 1,024 batches, with the same dictionary seed. SAELens trains at every
learning rate given, and is reported at its best one, by FVU and by MCC apart. It gets the warm-up
and decay of sparsetime's schedule, its own normalisation, and counts a latent as dead after a tenth
of the rows: each of these suits it better here than its defaults. sparsetime has defaults alone.
SAELens itself scores both on held-out rows: FVU, MCC, F1 of the best-matching features.

The defaults were chosen on the seeds 11 and 12; seeds are of features, hierarchy and correlations.
Trainings of SAELens are kept in build/benchmarks and not repeated; --libraries sae_lens runs them
alone. --aux-k sets how many dead latents take part in aux-k, in place of sparsetime's default. The
last line is JSON; --keep also writes it to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.environments import CACHE, PEERS, NotInstalled, python_of
from harness.figures import conclude, machine, table
from harness.selection import add_selection_dtype
from harness.workers import Crew, Worker, WorkerError

RECIPES = ("topk", "batch_topk", "matryoshka_batch_topk")
MEAN_L0 = {"independent": 4, "hierarchical": 9, "correlated": 4}
HELD_ROWS = 32_768
KEPT = CACHE / "quality_synthetic_peers.jsonl"


def main() -> None:
    options = arguments()
    result: dict[str, Any] = {
        "benchmark": "quality_synthetic",
        **{
            key: getattr(options, key)
            for key in ("seeds", "rows", "batch", "width", "threads", "aux_k")
        },
        "machine": machine(),
        "runs": [],
    }
    libraries = options.libraries.split(",")
    with Crew(libraries, options.threads) as crew:
        result["versions"], result["left_out"] = crew.versions, crew.left_out
        if crew.left_out:
            print(crew.left_out, file=sys.stderr)
            print(json.dumps({"benchmark": "quality_synthetic", "skipped": "a library is missing"}))
            return
        for kind in options.kinds.split(","):
            for seed in map(int, options.seeds.split(",")):
                data = made(kind, seed, options.rows)
                for recipe in options.recipes.split(","):
                    task = {
                        "recipe": recipe,
                        "data": str(data),
                        "width": options.width,
                        "k": MEAN_L0[kind],
                        "batch": options.batch,
                        "steps": options.rows // options.batch,
                        "seed": 0,
                    }
                    for library, rate in trainings(options.learning_rates):
                        if library not in libraries:
                            continue
                        if library == "sparsetime" and options.aux_k is not None:
                            task["options"] = {"aux_k": options.aux_k}
                        else:
                            task.pop("options", None)
                        run = {"kind": kind, "recipe": recipe, "seed": seed, "library": library}
                        run |= {"learning_rate": rate}
                        about = {**run, "task": {**task, "data": data.name}}
                        about["version"] = crew.versions[library]["library"]
                        run |= kept(about) or trained(crew.workers[library], task, rate, data)
                        keep(about, run)
                        result["runs"].append(run)
                        print(json.dumps(run), file=sys.stderr)
    result["cells"] = cells(result["runs"])
    conclude("quality_synthetic", result, markdown(result["cells"]), options.keep)


def trainings(rates: str) -> list[tuple[str, float | None]]:
    """Libraries and learning rates; None is the library's default."""
    return [("sparsetime", None), *(("sae_lens", float(rate)) for rate in rates.split(","))]


def kept(about: dict[str, Any]) -> dict[str, Any] | None:
    """The scores of a peer's training that was run before; sparsetime's are always new."""
    if about["library"] == "sparsetime" or not KEPT.exists():
        return None
    lines = map(json.loads, KEPT.read_text().splitlines())
    return next((line["run"] for line in lines if line["about"] == about), None)


def keep(about: dict[str, Any], run: dict[str, Any]) -> None:
    """Note a peer's training, unless it failed or is noted already."""
    if about["library"] != "sparsetime" and "error" not in run and kept(about) is None:
        with KEPT.open("a") as file:
            file.write(json.dumps({"about": about, "run": run}) + "\n")


def made(kind: str, seed: int, rows: int) -> Path:
    """The file of a data set, which SAELens writes once."""
    path = CACHE / f"synthetic_{kind}_{seed}_{rows}.safetensors"
    if not path.exists():
        partial = path.with_suffix(".partial")
        judge("make", kind, str(seed), str(rows), str(HELD_ROWS), str(partial))
        partial.rename(path)
    return path


def judge(*command: str) -> dict[str, Any]:
    """What SAELens's own code answers, in its own environment."""
    python, script = python_of("sae_lens"), PEERS / "sae_lens_synthetic.py"
    done = subprocess.run(
        [str(python), str(script), *command], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotInstalled(f"{script.name} {command[0]}: {done.stderr.strip().splitlines()[-1:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def trained(worker: Worker, task: dict[str, Any], rate: float | None, data: Path) -> dict[str, Any]:
    """Train, export codes of held-out rows, and let SAELens score them."""
    steps, out = task["steps"], CACHE / f"{data.stem}_coded.safetensors"
    own: dict[str, Any] = {"learning_rate": rate}
    if worker.library == "sae_lens":
        own |= {"warmup_steps": round(0.05 * steps), "decay_steps": round(0.2 * steps)}
        own |= {"dead_rows": steps * task["batch"] // 10, "normalise": True}
    try:
        worker.ask("make", name="run", task={**task, **own})
        seconds = worker.ask("step", name="run", n=steps)["seconds"]
        worker.ask("export", name="run", data=str(data), out=str(out))
        return {**judge("score", str(data), str(out)), "step_s": statistics.median(seconds)}
    except WorkerError as error:
        return {"error": str(error)}
    finally:
        worker.ask("drop")


def cells(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each kind of data and recipe: both libraries' means over seeds, SAELens's at its best."""
    rows = []
    for kind, recipe in dict.fromkeys((run["kind"], run["recipe"]) for run in runs):
        own = [run for run in runs if (run["kind"], run["recipe"]) == (kind, recipe)]
        by_rate: dict[float | None, list[dict[str, Any]]] = {}
        for run in own:
            if "error" not in run:
                by_rate.setdefault(run["learning_rate"], []).append(run)
        means = {
            rate: {key: statistics.fmean(run[key] for run in group)
                   for key in ("fvu", "mcc", "f1", "l0", "silent")}
            for rate, group in by_rate.items()
        }  # fmt: skip
        ours = means.pop(None, None)
        if ours is None or not means:
            continue
        best = {
            "fvu": min(mean["fvu"] for mean in means.values()),
            "mcc": max(mean["mcc"] for mean in means.values()),
            "f1": max(mean["f1"] for mean in means.values()),
        }
        rows.append(
            {
                "kind": kind,
                "recipe": recipe,
                "sparsetime": ours,
                "sae_lens": best,
                "sae_lens_by_rate": {str(rate): mean for rate, mean in means.items()},
                "ahead": ours["fvu"] <= best["fvu"] and ours["mcc"] >= best["mcc"],
            }
        )
    return rows


def markdown(found: list[dict[str, Any]]) -> str:
    """Two tables: FVU, and MCC with F1."""
    errors = [
        [f"{cell['kind']}, {cell['recipe']}"]
        + [f"{cell[library]['fvu']:.4f}" for library in ("sparsetime", "sae_lens")]
        + [f"{cell['sparsetime']['silent']:.1f}"]
        for cell in found
    ]
    features = [
        [f"{cell['kind']}, {cell['recipe']}"]
        + [f"{cell[library][key]:.3f}" for key in ("mcc", "f1")
           for library in ("sparsetime", "sae_lens")]
        for cell in found
    ]  # fmt: skip
    rates = dict.fromkeys(rate for cell in found for rate in cell["sae_lens_by_rate"])
    return "\n\n".join(
        [
            f"SAELens at its best of the learning rates {', '.join(rates)}.",
            table(["", "FVU, sparsetime", "SAELens", "silent, sparsetime"], errors),
            table(["", "MCC, sparsetime", "SAELens", "F1, sparsetime", "SAELens"], features),
        ]
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", default="21,22,23", help="of the data; 11 and 12 chose defaults")
    parser.add_argument("--kinds", default=",".join(MEAN_L0))
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--learning-rates", default="1e-3,3e-3,1e-2", help="of SAELens")
    parser.add_argument("--libraries", default="sparsetime,sae_lens")
    parser.add_argument("--aux-k", type=int, help="of sparsetime; its default where not given")
    parser.add_argument("--rows", type=int, default=524_288)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    return parser.parse_args()


if __name__ == "__main__":
    main()
