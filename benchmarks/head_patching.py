"""Attribution patching over all heads of SmolLM2: seconds a pair, and how many answers heads flip.

    python benchmarks/head_patching.py --pairs 20

On training prompts of indirect objects the heads are ranked by the mean size of their estimated
effect. On held-out prompts the 12 first are exchanged for those of the corrupted prompt. Reported
is the share of prompts whose answer flips, with the exact 95% interval of a binomial (Clopper and
Pearson 1934; resampled prompts have none where all flip), beside 20 draws of 12 random heads, and
the seconds that attribution patching takes for one pair.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import sparsetime as st  # isort: skip  before torch

import numpy as np
import torch
from scipy.stats import binomtest

from sparsetime import seeds
from sparsetime.circuits import exchanged_metric, head_effects, logit_difference
from sparsetime.interventions.attention_heads import attention_heads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--training-pairs", type=int, default=10)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--task", default="indirect_object")
    chosen = parser.parse_args()
    model = st.testbeds.english_model()
    training = aligned(model, chosen.task, chosen.training_pairs, "train")
    sizes: dict[tuple[str, int], float] = {}
    seconds, processor = [], []
    for tokens in training:
        metric = logit_difference(int(tokens.answers[0]), int(tokens.wrong[0]))
        began, spent = time.perf_counter(), time.process_time()
        effects = head_effects(model, tokens.clean, tokens.corrupted, metric)
        seconds.append(time.perf_counter() - began)
        processor.append(time.process_time() - spent)
        for row in effects.table.to_pylist():
            key = (row["site"], row["latent"])
            sizes[key] = sizes.get(key, 0.0) + abs(row["effect"]) / len(training)
    known = sorted(sizes)
    best = sorted(known, key=lambda key: -sizes[key])[: chosen.heads]
    random = seeds.numpy_generator(0, "random choice")
    groups = [best] + [
        [known[i] for i in random.choice(len(known), chosen.heads, replace=False)]
        for _ in range(chosen.draws)
    ]
    flips, differences = [], []
    for tokens in aligned(model, chosen.task, chosen.pairs, "held_out"):
        metric = logit_difference(int(tokens.answers[0]), int(tokens.wrong[0]))
        heads = attention_heads(model.model, tokens.clean)
        chosen_heads = [{}, *map(by_site, groups)]
        values = exchanged_metric(
            model, tokens.clean, tokens.corrupted, heads, chosen_heads, metric
        )
        differences.append(values.tolist())
        flips.append(((values[1:] < 0) & (values[0] > 0)).double().tolist())
    table = np.array(flips)

    exact = binomtest(int(table[:, 0].sum()), len(table)).proportion_ci()
    result = {
        "task": chosen.task,
        "pairs": len(table),
        "heads_in_all": len(known),
        "seconds_a_pair": round(statistics.median(seconds), 2),
        "seconds_of_the_processor_a_pair": round(statistics.median(processor), 2),
        "threads": torch.get_num_threads(),
        "best_heads": [f"{site} {number}" for site, number in best],
        "share_flipped": float(table[:, 0].mean()),
        "interval": [round(float(exact.low), 3), round(float(exact.high), 3)],
        "share_flipped_by_random_heads": float(table[:, 1:].mean()),
        "largest_share_of_a_draw": float(table[:, 1:].mean(0).max()),
        "mean_difference": float(np.mean([row[0] for row in differences])),
        "mean_difference_without_best": float(np.mean([row[1] for row in differences])),
        "mean_difference_without_random": float(np.mean([row[2:] for row in differences])),
    }
    text = json.dumps(result, indent=1)
    print(text)
    (Path(__file__).parent / "results" / "head_patching.json").write_text(text + "\n")


def by_site(group: list[tuple[str, int]]) -> dict[str, list[int]]:
    """Numbers of heads by module."""
    found: dict[str, list[int]] = {}
    for site, number in group:
        found.setdefault(site, []).append(number)
    return found


def aligned(model: object, task: str, count: int, split: str) -> list[object]:
    """Prompts whose two texts have equally many tokens."""
    found = [p.tokens(model.tokenizer) for p in st.testbeds.task_prompts(task, 3 * count, split)]
    return [t for t in found if len(t.clean) == len(t.corrupted)][:count]


if __name__ == "__main__":
    main()
