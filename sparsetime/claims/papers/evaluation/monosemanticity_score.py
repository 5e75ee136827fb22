"""MonoSemanticity score of latents, neurons and random directions, judged by another layer."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import Lab, Less, claim
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.metrics.embedding_similarity import monosemanticity_score
from sparsetime.statistics.nulls import random_atoms

SITE, JUDGE = "encoder.layer.3", "encoder.layer.5"
WIDTHS, K, ROWS = (384, 1536), 16, 60_000
SCORED, LEAST = 6_000, 10  # rows; active ones of a unit that is scored


@claim(
    "monosemanticity_score",
    system=157,
    says="The mean MonoSemanticity score of latents exceeds that of raw neurons and that of random "
    "directions, at two widths.",
    data="a proxy: tokens of English in place of frames, MiniLM layer 3, held-out documents; the "
    "judge is MiniLM's last layer, and not another encoder",
    expects=[
        Less("score of neurons", than="score of latents at 384"),
        Less("score of neurons", than="score of latents at 1536"),
        Less("score of random directions", than="score of latents at 384"),
        Less("score of random directions", than="score of latents at 1536"),
    ],
    seconds=80,
    rule="Mean monosemanticity score of SAE units on held-out frame embeddings exceeds raw neurons "
    "and random directions, with width trend reported.",
    notes="No vision encoder is at hand. Neurons and random directions are read above their mean "
    "alone, as units of both kinds fire. Embeddings are taken less their mean.",
    null=lambda lab, seed: _values(lab, seed, shuffled=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Means over units that fire on at least ten rows."""
    return _values(lab, seed)


def _values(lab: Lab, seed: int, shuffled: bool = False) -> dict[str, float]:
    """shuffled: the null, in which each token has another token's embedding."""
    real = lab.real(SITE)
    chosen = torch.linspace(0, len(real.held_out) - 1, SCORED).long()
    x = torch.Tensor(real.held_out)[chosen]
    judge = torch.Tensor(lab.real(JUDGE).held_out)[chosen]
    judge = judge - judge.mean(0)
    if shuffled:
        rng = seeds.torch_generator(seed, "random choice")
        judge = judge[torch.randperm(len(judge), generator=rng)]
    centred = x - x.mean(0)
    directions = random_atoms(real.d, real.d, seed)
    values = {
        "score of neurons": _mean(SparseCode.from_dense(centred.clamp_min(0)), judge),
        "score of random directions": _mean(
            SparseCode.from_dense((centred @ directions.T).clamp_min(0)), judge
        ),
    }
    for width in WIDTHS:
        sae = dictionary("topk", d_in=real.d, width=width, k=K, seed=seed)
        lab.train(sae, real.train, rows=ROWS, seed=seed)
        values[f"score of latents at {width}"] = _mean(sae.encode(x), judge)
    return values


def _mean(code: SparseCode, judge: Float[Tensor, "rows d"]) -> float:
    fires = torch.bincount(code.indices[code.values > 0], minlength=code.width) >= LEAST
    return float(np.mean(monosemanticity_score(code, judge)[fires.numpy()]))
