"""Topic scores of features: how near the texts that a feature fires on are to a topic's text."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from sparsetime.errors import ConfigError, MismatchError


def topic_scores(
    codes: Any,
    embeddings: Float[np.ndarray, "texts e"],
    topic: Float[np.ndarray, " topic_e"],
    *,
    top: int = 16,
) -> Float[np.ndarray, " width"]:
    """Score every feature by the similarity of what it fires on to a topic.

        s_i = cos(sum over t in T_i of a_ti (u_t - m),  u_topic - m)

    T_i: the `top` texts on which feature i is most active, a_ti: its pooled activation there, u_t:
    a text's sentence embedding, m: the mean of all. A feature that fires on fewer than `top` texts
    has those; one that fires on none scores 0.

    codes: pooled codes, scipy CSR or an array [texts, width]. embeddings: of the same texts. topic:
    embedding of the text to align with.

    Source: Joshi et al. 2025, Enabling precise topic alignment in large language models via sparse
    autoencoders, arXiv:2506.12576; the texts that stand for a feature are chosen here.

    Errors: MismatchError for codes of other texts, or embeddings of two widths; ConfigError for
    fewer than one text.
    """
    from scipy.sparse import csc_matrix

    if top < 1:
        raise ConfigError(f"got top={top}, expected at least one text for each feature")
    if codes.shape[0] != len(embeddings) or embeddings.shape[1] != len(topic):
        raise MismatchError(
            f"got codes of {codes.shape[0]} texts, embeddings {embeddings.shape} and a topic of "
            f"width {len(topic)}, expected a row for each text, as wide as the topic"
        )
    columns = csc_matrix(codes)
    mean = embeddings.mean(0)
    around, wanted = embeddings - mean, topic - mean
    written = np.zeros((columns.shape[1], around.shape[1]))
    for feature in range(columns.shape[1]):
        own = slice(columns.indptr[feature], columns.indptr[feature + 1])
        values, texts = columns.data[own], columns.indices[own]
        best = np.argsort(-values, kind="stable")[:top]
        written[feature] = values[best] @ around[texts[best]]
    lengths = np.linalg.norm(written, axis=1) * np.linalg.norm(wanted)
    return np.asarray((written @ wanted) / np.where(lengths > 0, lengths, 1))
