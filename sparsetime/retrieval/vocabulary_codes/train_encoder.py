"""Training of a vocabulary encoder: batch negatives, hard negatives, and a teacher's margins."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from sparsetime import seeds
from sparsetime.config import Settings
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.retrieval.vocabulary_codes.vocabulary_encoder import TokenStates, VocabularyEncoder


@final
class RetrieverTraining(Settings):
    """Settings of `train_vocabulary_encoder`."""

    steps: int = Field(100, ge=1, description="optimiser steps")
    batch: int = Field(16, ge=2, description="pairs of a step; each is the others' negative")
    rate: float = Field(2e-3, gt=0, description="learning rate of Adam")
    query_flops: float = Field(1e-2, ge=0, description="weight of the FLOPS term of queries")
    document_flops: float = Field(1e-2, ge=0, description="weight of the FLOPS term of documents")
    margin_weight: float = Field(1.0, ge=0, description="weight of the margins, with a teacher")
    contrast_weight: float = Field(1.0, ge=0, description="weight of the contrastive loss")


def train_vocabulary_encoder(
    encoder: VocabularyEncoder,
    queries: TokenStates,
    documents: TokenStates,
    settings: RetrieverTraining,
    *,
    hard_negatives: Int[np.ndarray, "pairs negatives"] | None = None,
    teacher: Float[np.ndarray, "pairs documents"] | None = None,
    seed: int = 0,
) -> list[float]:
    """Train an encoder in place on pairs, query i with document i; returns the loss by step.

        L = c mean_i -log softmax_d(s(q_i, d))_i  +  m mean_i,n (s(q_i, d_i) - s(q_i, n)
            - t(q_i, d_i) + t(q_i, n))^2  +  sum over sides l sum_j (mean_i z_ij)^2

    s: dot product of codes; the softmax is over the documents of the batch and, if given, the hard
    negatives of all its queries. t: scores of a teacher, in the units of s; n: one hard negative of
    each query a step, drawn among its own. The last term (FLOPS) bounds postings.

    hard_negatives: documents that are ranked high for a query and are not its own. teacher: scores
    of all documents for each query; margins need hard negatives.

    Source: Formal, Lassance, Piwowarski and Clinchant 2022, From distillation to hard negative
    sampling (SPLADE++), arXiv:2205.04733; margins: Hofstätter et al. 2020, arXiv:2010.02666; FLOPS:
    Paria et al. 2020, arXiv:2004.05665.

    Errors: MismatchError where sides, negatives or teacher are not of one number of pairs;
    ConfigError for fewer pairs than a batch, or a teacher without hard negatives.
    """
    _check(queries, documents, settings, hard_negatives, teacher)
    pairs = len(queries)
    random = seeds.numpy_generator(seed, "batches of a vocabulary encoder")
    optimiser = torch.optim.Adam(encoder.parameters(), lr=settings.rate)
    losses, order = [], np.empty(0, np.int64)
    for _ in range(settings.steps):
        if len(order) < settings.batch:
            order = random.permutation(pairs)
        own, order = order[: settings.batch], order[settings.batch :]
        read = own
        if hard_negatives is not None:
            column = random.integers(hard_negatives.shape[1], size=len(own))
            read = np.concatenate([own, hard_negatives[own, column]])
        z_q = encoder(queries.of(torch.from_numpy(own)))
        z_d = encoder(documents.of(torch.from_numpy(read)))
        scores = z_q @ z_d.T
        loss = settings.query_flops * _flops(z_q) + settings.document_flops * _flops(z_d)
        # A negative that is a positive of the same batch is left out of its softmax.
        twin = torch.from_numpy(read[None] == own[:, None])
        twin[:, : len(own)] &= ~torch.eye(len(own), dtype=torch.bool)
        target = torch.arange(len(own))
        contrast = functional.cross_entropy(scores.masked_fill(twin, -torch.inf), target)
        loss = loss + settings.contrast_weight * contrast
        if teacher is not None:
            known = torch.from_numpy(teacher[own[:, None], read[None]]).float()
            margins = _margins(scores, len(own)) - _margins(known, len(own))
            loss = loss + settings.margin_weight * (margins**2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def _margins(scores: Float[Tensor, "pairs read"], pairs: int) -> Float[Tensor, " pairs"]:
    """Scores of the own documents less those of the own hard negatives, which come behind them."""
    place = torch.arange(pairs)
    return scores[place, place] - scores[place, place + pairs]


def _flops(z: Float[Tensor, "texts terms"]) -> Float[Tensor, ""]:
    return (z.mean(0) ** 2).sum()


def _check(
    queries: TokenStates,
    documents: TokenStates,
    settings: RetrieverTraining,
    hard_negatives: Int[np.ndarray, "pairs negatives"] | None,
    teacher: Float[np.ndarray, "pairs documents"] | None,
) -> None:
    sizes = [len(queries), len(documents)]
    sizes += [] if hard_negatives is None else [len(hard_negatives)]
    sizes += [] if teacher is None else list(teacher.shape)
    if len(set(sizes)) > 1:
        raise MismatchError(
            f"got queries, documents, negatives and teacher of {sizes} texts, expected as many "
            "each: query i belongs to document i"
        )
    if len(queries) < settings.batch:
        raise ConfigError(f"got {len(queries)} pairs, expected at least a batch, {settings.batch}")
    if teacher is not None and hard_negatives is None:
        raise ConfigError("got a teacher without hard_negatives, expected both: its margins are "
                          "between a query's document and its hard negatives")  # fmt: skip
