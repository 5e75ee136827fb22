"""Judges of texts that see no activation: a classifier of style, and closeness to a topic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from sparsetime.models.load import LoadedModel
from sparsetime.testbeds.prose.minilm import embed_sentences, minilm

#: From texts to one number each.
TextJudge: TypeAlias = Callable[[Sequence[str]], Float[np.ndarray, " texts"]]


@cache
def sentence_model() -> LoadedModel:
    """all-MiniLM-L6-v2, loaded once."""
    return minilm()


def style_judge(target: Sequence[str], other: Sequence[str]) -> TextJudge:
    """Probability of the target style, by logistic regression on sentence embeddings.

    Give it texts that chose nothing else.
    """
    from sklearn.linear_model import LogisticRegression

    rows = embed_sentences([*target, *other], sentence_model()).numpy()
    labels = np.repeat([1, 0], [len(target), len(other)])
    fitted = LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced").fit(rows, labels)
    return lambda texts: np.asarray(
        fitted.predict_proba(embed_sentences(list(texts), sentence_model()).numpy())[:, 1]
    )


def topic_judge(texts: Sequence[str]) -> TextJudge:
    """Cosine of sentence embeddings with the mean embedding of texts of a topic."""
    mean = embed_sentences(list(texts), sentence_model()).mean(0)
    topic = (mean / mean.norm()).numpy()
    return lambda given: np.asarray(embed_sentences(list(given), sentence_model()).numpy() @ topic)
