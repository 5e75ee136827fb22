"""SynthSAEBench-16k: F1, MCC and FVU of recipes on 16,384 known features in 768 dimensions.

    python benchmarks/synthsae.py [--recipes batch_topk] [--rows 20000000] [--seeds 31] [--keep]
    python benchmarks/synthsae.py --folder runs/synthsae --minutes 20 --keep    # a time box
    python benchmarks/synthsae.py --world small        # 2,048 features in 128 dimensions, minutes
    python benchmarks/synthsae.py --generator          # rows a second of the generator alone
    python benchmarks/synthsae.py --check              # the same world, sampled by SAELens

The published settings: width 4,096, batch 1,024, k 25; 200 million rows are the official budget,
and a tenth of it is the default here. Rows are drawn while they are used. Scores are of rows that
no dictionary was trained on. "Read narrow" drops the smallest activation values, at the mean L0
that has the best F1 on tuning rows; its scores are of the held-out rows too. Settings of recipes
are chosen on the small world and on seeds below 30; the seed is that of the world and of the
dictionary, which draw from streams of their own.

With --folder an interrupted call is resumed by the next one with the same options. --minutes ends a
training at the first checkpoint after that time: the last line then has the rows of the run that
is unfinished, and the same command resumes there.

--check compares how often each feature and each pair of a small world is active, and its mean
value, with SAELens's own generator, which runs in an environment of its own: the share of
differences beyond 2 and 3 standard errors is to be that of a normal distribution. The last line is
JSON; --keep writes it to benchmarks/results/, beside the kept runs of other worlds, recipes, rows
and seeds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from harness.environments import PEERS, python_of
from harness.figures import conclude, kept, machine, table
from harness.selection import add_selection_dtype
from safetensors.torch import load_file, save_file

import sparsetime as st
from sparsetime.testbeds import (
    SynthSAEBench,
    SynthSAEBenchRows,
    SynthSAEBenchSettings,
    synthsaebench_scores,
)

#: Settings of each world, width of the dictionaries, and their k.
WORLDS: dict[str, tuple[dict[str, Any], int, int]] = {
    "16k": ({}, 4096, 25),
    "small": (
        {"features": 2048, "d": 128, "roots": 16, "lowest_frequency": 2e-3, "correlation_rank": 8},
        512,
        9,
    ),
}
ROWS_OF_CHECK = 400_000
CHECKPOINT = 500  # steps, some ten seconds of two quiet cores


class TimeIsUp(Exception):  # noqa: N818
    """The time box ended with a training unfinished. rows: that it has in its checkpoint."""

    def __init__(self, rows: int) -> None:
        super().__init__(f"stopped after {rows:,} rows")
        self.rows = rows


def main() -> None:
    options = arguments()
    result: dict[str, Any] = {"benchmark": "synthsae", "machine": machine()}
    result |= {"version": st.__version__, "threads": torch.get_num_threads()}
    if options.generator:
        result["generator"] = generator_speed(options.world)
        print(json.dumps(result))
        return
    if options.check:
        result["check"] = differences_from_sae_lens()
        print(json.dumps(result))
        return
    runs = []
    began = time.monotonic()
    for seed in map(int, options.seeds.split(",")):
        settings, width, k = WORLDS[options.world]
        world = SynthSAEBench(SynthSAEBenchSettings(**settings, seed=seed), show=True)
        for recipe in options.recipes.split(","):
            run = {"world": options.world, "recipe": recipe, "rows": options.rows, "seed": seed}
            try:
                runs.append(run | trained(world, recipe, width, k, options, began))
            except TimeIsUp as stopped:
                result["unfinished"] = run | {"rows_done": stopped.rows}
                break
            runs[-1] |= {"machine": result["machine"], "threads": result["threads"]}
            print(json.dumps(runs[-1]), file=sys.stderr)
        if "unfinished" in result:
            break
    if options.keep:
        runs = kept("synthsae", runs, ("world", "recipe", "rows", "seed"))
    conclude("synthsae", result | {"runs": runs}, markdown(runs), options.keep)


def trained(
    world: SynthSAEBench,
    recipe: str,
    width: int,
    k: int,
    options: argparse.Namespace,
    began: float,
) -> dict[str, Any]:
    """Scores of one training, and its rows a second. Errors: TimeIsUp, with a time box."""
    chosen = json.loads(options.options)
    sae = st.dictionary(
        recipe,
        d_in=world.settings.d,
        width=width,
        **{"k": k, "seed": world.settings.seed, **chosen.pop("recipe", {})},
    )
    with ExitStack() as stack:
        folder = options.folder or stack.enter_context(tempfile.TemporaryDirectory())
        name = f"{options.world}_{recipe}_{options.rows}_{world.settings.seed}"
        source = SynthSAEBenchRows(world, options.rows)
        settings = {"rows": options.rows, "batch": 1024, "checkpoint_every": CHECKPOINT, **chosen}

        def watch(_run: str, line: Mapping[str, Any]) -> None:
            late = time.monotonic() - began > 60 * (options.minutes or float("inf"))
            if late and line["step"] % settings["checkpoint_every"] == 0:
                raise TimeIsUp(line["rows"])

        run = st.train(sae, source, out=Path(folder) / name, on_log=watch, **settings)
        lines = (Path(folder) / name / "metrics.jsonl").read_text().splitlines()
    scores = synthsaebench_scores(run.dictionary, world, options.score_rows)
    return {
        **asdict(scores),
        "narrow": read_narrow(run.dictionary, world, scores.l0, options.score_rows),
        # Seconds of all sessions: a training may have been resumed.
        "rows_per_second": options.rows / json.loads(lines[-1])["seconds"],
        "settings": chosen,
    }


def read_narrow(
    sae: st.Dictionary, world: SynthSAEBench, l0: float, rows: int
) -> dict[str, float | int]:
    """Scores of the dictionary at the mean L0 that has the best F1 on tuning rows."""
    tuning = torch.cat([world.activations(world.code(block, "tuning")) for block in range(16)])
    by_f1 = {}
    for share in np.arange(0.3, 1.0, 0.1):
        narrow = sae.at(k=share * l0, data=tuning)
        by_f1[synthsaebench_scores(narrow, world, rows // 4, "tuning").f1] = narrow
    best = by_f1[max(by_f1)]
    return asdict(synthsaebench_scores(best, world, rows))


def generator_speed(name: str, blocks: int = 64) -> dict[str, float]:
    """Rows a second of the generator, with all threads."""
    world = SynthSAEBench(SynthSAEBenchSettings(**WORLDS[name][0], orthogonalise_steps=0))
    rows = blocks * 1024
    speeds = []
    next(SynthSAEBenchRows(world, rows).rows(1024))  # compiled before the clock runs
    for _ in range(5):
        began = time.perf_counter()
        for _ in SynthSAEBenchRows(world, rows).rows(1024):
            pass
        speeds.append(rows / (time.perf_counter() - began))
    q1, median, q3 = np.quantile(speeds, [0.25, 0.5, 0.75])
    return {"rows_per_second": float(median), "q1": float(q1), "q3": float(q3)}


def differences_from_sae_lens() -> dict[str, Any]:
    """Standardised differences of a small world's statistics, ours and SAELens's samples of it."""
    settings = SynthSAEBenchSettings(
        features=200,
        d=32,
        roots=8,
        branching=4,
        depth=2,
        lowest_frequency=5e-3,
        correlation_rank=8,
        correlation_scale=0.2,
    )
    world = SynthSAEBench(settings)
    with tempfile.TemporaryDirectory() as folder:
        given, answer = f"{folder}/world.safetensors", f"{folder}/answer.safetensors"
        arrays = {"drawn": world.drawn, "factors": world.factors, "parent": world.tree.parent}
        arrays |= {"mean": world.mean, "spread": world.spread}
        tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
        save_file({n: t.float() if n != "parent" else t.long() for n, t in tensors.items()}, given)
        script = PEERS / "sae_lens_world.py"
        command = [python_of("sae_lens"), script, given, ROWS_OF_CHECK, 1, answer]
        subprocess.run(list(map(str, command)), check=True)
        theirs = load_file(answer)
    blocks = -(-ROWS_OF_CHECK // 1024)
    ours = statistics_of(world, blocks)
    return compared(ours, blocks * 1024, theirs, ROWS_OF_CHECK)


def statistics_of(world: SynthSAEBench, blocks: int) -> dict[str, torch.Tensor]:
    """How often features and pairs are active; sums of values and of squared values."""
    features = world.settings.features
    pairs = torch.zeros(features, features, dtype=torch.float64)
    sums, squares = (torch.zeros(features, dtype=torch.float64) for _ in range(2))
    for block in range(blocks):
        values = world.code(block).dense()
        active = (values > 0).float()
        pairs += (active.T @ active).double()
        sums += values.double().sum(dim=0)
        squares += values.double().square().sum(dim=0)
    return {"pairs": pairs, "sums": sums, "squares": squares}


def compared(
    ours: dict[str, torch.Tensor], our_rows: int, theirs: dict[str, torch.Tensor], their_rows: int
) -> dict[str, Any]:
    """Of each statistic, how many there are and how far they differ in standard errors."""
    share, other = ours["pairs"] / our_rows, theirs["pairs"] / their_rows
    pooled = (ours["pairs"] + theirs["pairs"]) / (our_rows + their_rows)
    error = (pooled * (1 - pooled) * (1 / our_rows + 1 / their_rows)).sqrt()
    # Pairs that are expected a few times only are not normally distributed.
    above = torch.ones_like(pooled).triu(1).bool() & (pooled * min(our_rows, their_rows) > 25)
    standard = (share - other) / error
    counts, their_counts = ours["pairs"].diag(), theirs["pairs"].diag()
    mean, their_mean = ours["sums"] / counts, theirs["sums"] / their_counts
    variance = ours["squares"] / counts - mean.square()
    of_mean = (mean - their_mean) / (variance * (1 / counts + 1 / their_counts)).sqrt()
    return {
        "never together in both": int(((share == 0) & (other == 0)).sum()),
        "never together in one": int(((share == 0) != (other == 0)).sum()),
        **{
            name: {
                "number": z.numel(),
                "root mean square": float(z.square().mean().sqrt()),
                "beyond 2": float((z.abs() > 2).double().mean()),
                "beyond 3": float((z.abs() > 3).double().mean()),
            }
            for name, z in (
                ("frequencies", standard.diag()),
                ("pairs", standard[above]),
                ("mean values", of_mean),
            )
        },
    }


def markdown(runs: list[dict[str, Any]]) -> str:
    head = ["world, recipe, seed", "rows", "F1", "MCC", "FVU", "L0", "dead"]
    head += ["F1 read narrow", "at L0", "rows a second"]
    rows = [
        [f"{run['world']}, {run['recipe']}, {run['seed']}", f"{run['rows']:,}"]
        + [f"{run[key]:.3f}" for key in ("f1", "mcc", "fvu")]
        + [f"{run['l0']:.1f}", f"{run['dead']}"]
        + [f"{run['narrow']['f1']:.3f}", f"{run['narrow']['l0']:.1f}"]
        + [f"{run['rows_per_second']:,.0f}"]
        for run in runs
    ]
    return table(head, rows)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipes", default="batch_topk,matryoshka_batch_topk,topk")
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--score-rows", type=int, default=131_072)
    parser.add_argument("--seeds", default="31")
    parser.add_argument("--world", choices=list(WORLDS), default="16k")
    parser.add_argument("--options", default="{}", help="JSON of train's settings, and `recipe`")
    parser.add_argument("--folder", help="of trainings, which a later call resumes; none if unset")
    parser.add_argument("--minutes", type=float, help="time box of the trainings; with --folder")
    parser.add_argument("--generator", action="store_true")
    parser.add_argument("--check", action="store_true")
    add_selection_dtype(parser)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    options = parser.parse_args()
    if options.minutes is not None and options.folder is None:
        parser.error("got --minutes without --folder, expected a folder that the next call resumes")
    return options


if __name__ == "__main__":
    main()
