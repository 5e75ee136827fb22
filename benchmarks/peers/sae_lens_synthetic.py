"""SAELens's synthetic data and its scores. Runs in SAELens's environment.

    python sae_lens_synthetic.py make KIND SEED ROWS HELD_ROWS OUT.safetensors
    python sae_lens_synthetic.py score DATA.safetensors TRAINED.safetensors

`make` writes rows [ROWS, d] as "activations", held-out rows as "held_out", their true feature
activations as "held_out_features" and the true directions [features, d] as "features". `score`
compares the decoder, codes and reconstructions of a trained dictionary with them. Each prints one
line of JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from safetensors.torch import load_file, save_file

D, FEATURES = 64, 256
KINDS = ("independent", "hierarchical", "correlated")
_CHUNK = 16_384


def model(kind: str, seed: int) -> Any:
    """A model of 256 orthogonalised features in 64 dimensions, with SAELens's own defaults.

    independent: firing probabilities by Zipf's law from 0.3 to 0.01, a mean L0 of 4. correlated:
    the same, with low-rank correlations. hierarchical: 32 parents of 7 children each, which fire
    only while the parent does; probabilities from 0.3 to 0.0175 with exponent 0.5, a mean L0 of 9.
    """
    from sae_lens.synthetic.firing_probabilities import ZipfianFiringProbabilityConfig
    from sae_lens.synthetic.hierarchy import HierarchyConfig
    from sae_lens.synthetic.synthetic_model import (
        LowRankCorrelationConfig,
        OrthogonalizationConfig,
        SyntheticModel,
        SyntheticModelConfig,
    )

    if kind not in KINDS:
        raise ValueError(f"got kind {kind!r}, expected one of {', '.join(KINDS)}")
    options: dict[str, Any] = {}
    if kind == "hierarchical":
        options["hierarchy"] = HierarchyConfig(
            total_root_nodes=32, branching_factor=7, max_depth=1, compensate_probabilities=True
        )
        options["firing_probability"] = ZipfianFiringProbabilityConfig(
            exponent=0.5, max_prob=0.3, min_prob=0.0175
        )
    if kind == "correlated":
        options["correlation"] = LowRankCorrelationConfig()
    return SyntheticModel(
        SyntheticModelConfig(
            FEATURES, D, orthogonalization=OrthogonalizationConfig(), seed=seed, **options
        )
    )


def make(kind: str, seed: int, rows: int, held_rows: int, out: str) -> dict[str, Any]:
    """Write a data set; its seed is that of features, hierarchy and correlation."""
    source = model(kind, seed)
    torch.manual_seed(seed + 500_000)  # of the samples, apart from the seeds of the model
    parts = [source.sample(min(_CHUNK, rows - start)) for start in range(0, rows, _CHUNK)]
    held, features = source.sample_with_features(held_rows)
    save_file(
        {
            "activations": torch.cat(parts).contiguous(),
            "held_out": held.contiguous(),
            "held_out_features": features.contiguous(),
            "features": source.feature_dict.feature_vectors.data.contiguous(),
        },
        out,
    )
    return {"l0": float((features != 0).sum() / held_rows)}


@torch.no_grad()
def score(data: str, trained: str) -> dict[str, Any]:
    """SAELens's explained variance, MCC, F1, L0 and number of silent latents on held-out rows."""
    from sae_lens.evals import ExplainedVarianceCalculator
    from sae_lens.synthetic import evals

    truth, found = load_file(data), load_file(trained)
    explained = ExplainedVarianceCalculator()
    explained.add_batch(found["reconstruction"], truth["held_out"])
    l0 = evals.L0Calculator()
    l0.add_batch(found["codes"])
    dead = evals.DeadLatentsCalculator(found["codes"].shape[1])
    dead.add_batch(found["codes"])
    classes = evals.compute_classification_metrics(
        found["codes"], truth["held_out_features"], found["decoder"], truth["features"]
    )
    return {
        "fvu": 1 - explained.compute(),
        "mcc": evals.mean_correlation_coefficient(found["decoder"], truth["features"]),
        "f1": classes.f1_score,
        "l0": l0.compute(),
        "silent": dead.compute(),
    }


if __name__ == "__main__":
    command, *given = sys.argv[1:]
    if command == "make":
        kind, seed, rows, held_rows, out = given
        print(json.dumps(make(kind, int(seed), int(rows), int(held_rows), out)))
    elif command == "score":
        print(json.dumps(score(*given)))
    else:
        raise SystemExit(f"got {command!r}, expected make or score")
