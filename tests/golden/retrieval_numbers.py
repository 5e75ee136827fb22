"""Golden numbers of learned sparse retrieval: trained codes, ranked at a cost."""

from __future__ import annotations

import numpy as np
import torch

from sparsetime import seeds
from sparsetime.retrieval.vocabulary_codes import ranking, train_encoder, vocabulary_encoder
from sparsetime.statistics.linear_probe import sparse_matrix


def retrieval() -> dict[str, dict[str, float]]:
    """Squares of trained codes, and ranks and cost of them once pruned."""
    random = seeds.torch_generator(0, "random inputs")
    sides = [
        vocabulary_encoder.TokenStates(
            torch.randn(24, 6, 8, generator=random),
            torch.randint(0, 12, (24, 6), generator=random),
        )
        for _ in range(2)
    ]
    encoder = vocabulary_encoder.VocabularyEncoder(np.arange(2, 12), 8)
    losses = train_encoder.train_vocabulary_encoder(
        encoder,
        *sides,
        train_encoder.RetrieverTraining(steps=5, batch=8, rate=0.02),
        hard_negatives=(np.arange(24)[:, None] + 1) % 24,
        teacher=2 * np.eye(24),
    )
    codes = [sparse_matrix(encoder.encode(side)) for side in sides]
    pruned = ranking.pruned_to_cost(codes[0], codes[1], 1.0)
    scores = np.asarray((pruned[0] @ pruned[1].T).todense())
    return {
        "retrieval.vocabulary_codes.train_encoder": {
            "loss": sum(losses),
            "squares": float((codes[0].data ** 2).sum()),
        },
        "retrieval.vocabulary_codes.ranking": {
            "ranks": float(ranking.reciprocal_ranks(scores, np.arange(24)).sum()),
            "cost": ranking.posting_cost(pruned[0], pruned[1]),
        },
    }
