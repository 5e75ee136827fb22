"""Steering of SmolLM2 by features of sentences: the dictionary, texts by label, spread, prompts."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.activations.store.store import Store
from sparsetime.claims.lab.splits import Splits
from sparsetime.claims.lab.text_judges import TextJudge, style_judge
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.features.labels.stored_label import sequence_labels
from sparsetime.models.load import LoadedModel
from sparsetime.statistics.pooling import pooled
from sparsetime.testbeds.sentences.texts import REVIEWS, labelled_sentences

MASSIVE = 3.0  # times the median norm; rows above are left out
_JUDGED = 600  # texts of each table of reviews that the judge of sentiment reads
_NOUNS = (
    "plot", "story", "cast", "music", "script", "ending", "acting", "pace", "style", "humor",
    "action", "dialogue", "director", "writing", "character", "sound", "design", "tone",
)  # fmt: skip

_PERSONS = (
    "friend", "teacher", "brother", "sister", "mother", "father", "cousin", "boss", "uncle",
    "son", "daughter", "wife",
)  # fmt: skip


@final
@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """Texts of a view of the sentence testbed with their rows.

    rows: of all tokens but the first of each text and massive ones; text_of_row: the number of
    each one's text. table, label: of each text.
    """

    texts: tuple[str, ...]
    table: np.ndarray
    label: np.ndarray
    rows: Float[Tensor, "rows d"]
    text_of_row: Int[np.ndarray, " rows"]

    def of(self, tables: Sequence[str], label: str | None = None) -> Int[np.ndarray, " some"]:
        """Numbers of the texts of some tables that have rows, with a label where it is given."""
        own = np.isin(self.table, list(tables)) & self.has_rows
        return np.flatnonzero(own if label is None else own & (self.label == label))

    @property
    def has_rows(self) -> np.ndarray:
        """Which texts have more than their first token."""
        return np.bincount(self.text_of_row, minlength=len(self.texts)) > 0

    def rows_of(self, texts: Int[np.ndarray, " some"]) -> Float[Tensor, "picked d"]:
        """The rows of some texts."""
        return self.rows[np.flatnonzero(np.isin(self.text_of_row, texts))]


def usual_rows(rows: Float[Tensor, "rows d"]) -> Bool[Tensor, " rows"]:
    """Rows that the capture kept and whose norm is at most three times the median.

    One row in 2,000 has 200 times the norm of others: a massive activation, which would be most of
    the variance.
    """
    norms = rows.norm(dim=1)
    usual: Tensor = norms <= MASSIVE * norms[~norms.isnan()].median()
    return usual


def labelled_texts(store: Store) -> LabelledTexts:
    """The texts of a view of the sentence testbed."""
    labels = sequence_labels(store)
    lengths = store.segments.numpy_lengths
    places = range(len(lengths))
    rows = store.read(0, len(store)).float()
    kept = usual_rows(rows).numpy()
    return LabelledTexts(
        tuple(str(store.sequence(place).text) for place in places),
        np.array(labels["table"]),
        np.array(labels["label"]),
        rows[torch.from_numpy(kept)],
        np.repeat(np.arange(len(lengths)), lengths)[kept],
    )


def unseen_texts(splits: Splits, table: str, label: str, count: int) -> list[str]:
    """Texts of a table with a label that the sentence testbed does not hold, for a judge."""
    store = splits.bed.store
    seen = {str(store.sequence(place).text) for place in range(len(store.sequence_indices))}
    return [
        str(document.text)
        for document in labelled_sentences(count, tables=(table,))
        if document.labels["label"] == label and str(document.text) not in seen
    ]


def pooled_means(
    texts: LabelledTexts, sae: Dictionary, which: Int[np.ndarray, " some"]
) -> Float[np.ndarray, "some width"]:
    """The mean code over the tokens of each of some texts."""
    keep = np.isin(texts.text_of_row, which)
    # Rows come in the order of texts, whatever the order that is asked for.
    ascending, place = np.unique(which, return_inverse=True)
    lengths = np.bincount(texts.text_of_row[keep], minlength=len(texts.texts))[ascending]
    return np.asarray(pooled(sae.encode(texts.rows[keep]), lengths).todense())[place]


@cache
def sentence_texts(splits: Splits) -> LabelledTexts:
    """All texts of the sentence testbed at a site, read once."""
    return labelled_texts(splits.bed.store)


@cache
def steered_model(splits: Splits) -> LoadedModel:
    """A copy of the testbed's model in bfloat16, which generates in 0.6 of the time."""
    assert splits.bed.model is not None  # the testbed has one
    model = copy.deepcopy(splits.bed.model.model).to(torch.bfloat16)
    return replace(splits.bed.model, model=model)


def spread_of(rows: Float[Tensor, "rows d"]) -> float:
    """Root mean squared distance of rows from their mean, the unit of doses."""
    return float((rows - rows.mean(0)).pow(2).sum(1).mean().sqrt())


@cache
def sentiment_judge(splits: Splits) -> TextJudge:
    """Probability of positive sentiment, fitted on reviews that the sentence testbed lacks."""
    target, other = (
        [text for table in REVIEWS for text in unseen_texts(splits, table, label, _JUDGED)]
        for label in ("1", "0")
    )
    return style_judge(target, other)


def review_prompts(count: int, rng: np.random.Generator) -> list[str]:
    """Different beginnings such as "The plot of this film", all of five tokens, at most 36."""
    prompts = [f"The {noun} of this {kind}" for noun in _NOUNS for kind in ("film", "movie")]
    return [str(prompt) for prompt in rng.choice(prompts, count, replace=False)]


def neutral_prompts(count: int, rng: np.random.Generator) -> list[str]:
    """Different beginnings without a topic, such as "My friend asked me about", at most 24."""
    prompts = [
        f"My {person} {verb} me about" for person in _PERSONS for verb in ("asked", "warned")
    ]
    return [str(prompt) for prompt in rng.choice(prompts, count, replace=False)]
