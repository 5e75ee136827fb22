"""MONA: texts of a target task found in a mixed pool by the codes of a few examples."""

from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Bool
from torch import Tensor

from sparsetime import seeds
from sparsetime.claims.claim import AtLeast, Lab, Less, claim
from sparsetime.claims.lab.sentence_steering import MASSIVE, LabelledTexts, labelled_texts
from sparsetime.claims.lab.splits import Splits
from sparsetime.codes import SparseCode
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.retrieval.data_selection import similarity_to_examples
from sparsetime.statistics.pooling import pooled

SITE, NEURONS = "model.layers.14", "model.layers.14.mlp.down_proj:input"
WIDTH, K, ROWS = 2304, 32, 40_000
EXAMPLES, SELECTED, DRAWS = 10, 100, 2
#: Reported target tasks; settings were chosen on the others.
TASKS = (
    "113_movie_sent", "97_news_class", "99_sci_cat", "102_twt_emotion", "108_athlete_sport",
    "50_deon_isvalid", "27_art_type",
)  # fmt: skip
#: Similarity and power of values; raw activations have the better of two.
OF_CODES = ("centred cosine", 0.5)
OF_RAW = (("centred cosine", 1.0), ("centred cosine", 0.5))


@claim(
    "data_selection",
    system=12,
    says="Of the 100 texts of a mixed pool whose codes are most like those of ten examples of a "
    "task, more are of that task than by activations of MLP neurons or of the residual stream, "
    "and more than twice as many as at random.",
    data="4,000 texts of fifteen tables of sae-probes, a task each, seven of them reported; "
    "SmolLM2-135M-Instruct, layer 14 of 30",
    expects=[
        Less("precision by neurons", than="precision by codes"),
        Less("precision by the residual stream", than="precision by codes"),
        AtLeast("precision by codes over random", than=2.0),
    ],
    seconds=80,
    rule="Selecting by SAE similarity retrieves more same-task examples from a mixed pool than "
    "raw-neuron similarity and random, over several seeds.",
    notes="A proxy: tables of labelled texts stand for tasks of instruction tuning, and no model "
    "is tuned on what is selected. Codes are means over tokens; their similarity is the cosine "
    "of square roots around the pool's mean. The paper's Jaccard similarity to a mean code "
    "selected worse on the tuning tables (precision .36 against .81).",
    null=lambda lab, seed: _values(lab, seed, untrained=True),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Mean over seven tasks and two draws of examples; the pool lacks the examples."""
    return _values(lab, seed)


def _values(
    lab: Lab, seed: int, untrained: bool = False, tasks: tuple[str, ...] = TASKS
) -> dict[str, float]:
    """untrained: the null, with a dictionary that has not been trained."""
    texts, neurons = _texts(lab.sentences(SITE)), _texts(lab.sentences(NEURONS))
    splits = lab.sentences(SITE)
    sae = dictionary("topk", d_in=splits.d, width=WIDTH, k=K, seed=seed)
    if untrained:
        sae.normalisation.fit(texts.rows)
    else:
        lab.train(sae, splits.bed.store, rows=ROWS, seed=seed, exclude_norm=MASSIVE)
    kept = texts.has_rows & neurons.has_rows
    table = texts.table[kept]
    by = {
        "codes": _means(sae.encode(texts.rows), texts, kept),
        "the residual stream": _means(texts.rows, texts, kept).toarray(),
        "neurons": _means(neurons.rows, neurons, kept).toarray(),
    }
    values = {}
    for name, matrix in by.items():
        found = []
        for similarity, power in (OF_CODES,) if name == "codes" else OF_RAW:
            rng = seeds.numpy_generator(seed, "random choice")
            found.append(
                np.mean(
                    [
                        _precision(matrix, table == task, similarity, power, rng)
                        for task in tasks
                        for _ in range(DRAWS)
                    ]
                )
            )
        values[f"precision by {name}"] = float(max(found))
    at_random = float(np.mean([(table == task).mean() for task in tasks]))
    values["precision at random"] = at_random
    values["precision by codes over random"] = values["precision by codes"] / at_random
    return values


@cache
def _texts(splits: Splits) -> LabelledTexts:
    return labelled_texts(splits.bed.store)


def _means(x: SparseCode | Tensor, texts: LabelledTexts, kept: Bool[np.ndarray, " texts"]) -> Any:
    """Means over the tokens of the texts that both sites kept."""
    lengths = np.bincount(texts.text_of_row, minlength=len(kept))
    return pooled(x, lengths[lengths > 0])[kept[lengths > 0]]


def _precision(
    matrix: Any, own: np.ndarray, similarity: str, power: float, rng: np.random.Generator
) -> float:
    """Share of the selected texts that are of the task, by other texts of it."""
    examples = rng.choice(np.flatnonzero(own), EXAMPLES, replace=False)
    pool = np.setdiff1d(np.arange(len(own)), examples)
    scores = similarity_to_examples(matrix[pool], matrix[examples], similarity, power)
    return float(own[pool[np.argsort(-scores, kind="stable")[:SELECTED]]].mean())
