"""st.classify: a label predicted from pooled codes, against hidden states and a bag of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
from jaxtyping import Float, Int

from sparsetime import seeds
from sparsetime.errors import DataError
from sparsetime.features.labels.stored_label import read_labels
from sparsetime.retrieval.pooled_segments import pooled_segments
from sparsetime.statistics.estimate import Estimate, estimate
from sparsetime.statistics.pooling import pooled

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary

HELD_OUT = 0.4  # of the sequences of each class
_NULL = "labels exchanged between the training segments"


@final
@dataclass(frozen=True, eq=False)
class Classification:
    """Macro F1 of one label on held-out sequences, by what it is predicted from.

    scores: "codes", "hidden states", and "bag of tokens" of a store with tokens. classes: their
    names. train, test: numbers of segments. weights: of the codes' classifier, [classes, width]; of
    two classes [1, width], towards the second.
    """

    scores: dict[str, Estimate]
    classes: tuple[str, ...]
    train: int
    test: int
    weights: Float[np.ndarray, "classes width"]


def classify(
    sae: Dictionary,
    store: Store,
    label: str,
    *,
    pool: str = "mean",
    binary: bool = False,
    steps: int | None = 64,
    seed: int = 0,
    progress: bool = True,
) -> Classification:
    """Predict a label of segments from their pooled codes, by logistic regression.

        macro F1 = mean over classes c of 2 TP_c / (2 TP_c + FP_c + FN_c)

    label: of steps or of recordings; a segment has the value of most of its steps. pool: "mean" or
    "last" step. binary: whether only it counts that a feature is active in a segment. steps: of a
    segment; None: whole sequences. Two fifths of the recordings that hold each value are held out
    as wholes; values in fewer than 2 recordings are left out.

    The same regression reads pooled hidden states and, where the store has tokens, counts of the
    tokens of a segment. The interval is over held-out recordings, the null exchanges the training
    labels. Gallifant et al. 2025, "Sparse Autoencoder Features for Classifications and
    Transferability".

    Errors: UnknownNameError for a label that is not there; DataError where fewer than two values
    are in two recordings each, or the label is a number; those of `pooled`.
    """
    stored = read_labels(store, [label])[0]
    if stored.code is None:
        raise DataError(
            f"got the label {label!r}, which is numeric, expected categories; bin it when capturing"
        )
    segments = pooled_segments(sae, store, steps, pool, progress)
    begins = np.cumsum(segments.lengths) - segments.lengths
    value = _most_frequent(stored.code, begins, segments.lengths)
    train, test = _split(value, segments.sequence, seed)
    if len(np.unique(value[train])) < 2 or len(np.unique(value[test])) < 2:
        raise DataError(
            f"the label {label!r} has fewer than two values that two recordings hold each; give "
            f"one that repeats, or shorter segments"
        )
    names, target = np.unique(value[train | test], return_inverse=True)
    whole = np.full(len(value), -1)
    whole[train | test] = target
    codes = (segments.codes != 0).astype(float) if binary else segments.codes
    assert segments.kept is not None  # it was encoded here
    # Steps that are left out count as zeros, as in the codes, where nothing is active: one step of
    # a massive norm would hide all others.
    kept = torch.from_numpy(segments.kept)[:, None]
    rows = store.read(0, len(store)).float().where(kept, torch.zeros(()))
    hidden = pooled(rows, segments.lengths, pool)
    inputs = {"codes": codes, "hidden states": hidden}
    tokens = _tokens(store, segments.lengths)
    if tokens is not None:
        inputs["bag of tokens"] = tokens
    rng = seeds.numpy_generator(seed, "exchanged labels of a classifier")
    exchanged = whole.copy()
    exchanged[train] = rng.permutation(whole[train])
    groups = segments.sequence[test]
    scores, weights = {}, np.zeros((1, sae.width))
    for name, matrix in inputs.items():
        predicted, fitted = _predicted(matrix, whole, train, test)
        null, _ = _predicted(matrix, exchanged, train, test)
        nothing = macro_f1(whole[test], null, len(names), np.ones(len(null)))
        scores[name] = _scored(whole[test], predicted, len(names), groups, nothing, seed)
        if name == "codes":
            weights = fitted
    return Classification(
        scores,
        tuple(stored.values[int(one)] for one in names),
        int(train.sum()),
        int(test.sum()),
        weights,
    )


def macro_f1(
    true: Int[np.ndarray, " segments"],
    predicted: Int[np.ndarray, " segments"],
    classes: int,
    weight: Float[np.ndarray, " segments"],
) -> float:
    """The mean F1 over classes that occur, each segment as often as its weight."""
    hits = np.bincount(true, weight * (true == predicted), classes)
    sizes = np.bincount(true, weight, classes) + np.bincount(predicted, weight, classes)
    occurs = np.bincount(true, weight, classes) > 0
    return float(np.mean(2 * hits[occurs] / sizes[occurs])) if occurs.any() else float("nan")


def _scored(
    true: Int[np.ndarray, " test"],
    predicted: Int[np.ndarray, " test"],
    classes: int,
    sequence: Int[np.ndarray, " test"],
    null: float,
    seed: int,
) -> Estimate:
    _, group = np.unique(sequence, return_inverse=True)

    def statistic(weights: Float[np.ndarray, "draws groups"]) -> Float[np.ndarray, " draws"]:
        return np.array([macro_f1(true, predicted, classes, draw[group]) for draw in weights])

    return estimate(statistic, int(group.max()) + 1, null, _NULL, seed)


def _predicted(
    matrix: Any,
    value: Int[np.ndarray, " segments"],
    train: np.ndarray,
    test: np.ndarray,
) -> tuple[Int[np.ndarray, " test"], Float[np.ndarray, "classes columns"]]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import MaxAbsScaler

    scaler = MaxAbsScaler().fit(matrix[train])
    model = LogisticRegression(C=1.0, max_iter=500, class_weight="balanced")
    model.fit(scaler.transform(matrix[train]), value[train])
    return model.predict(scaler.transform(matrix[test])), np.asarray(model.coef_)


def _most_frequent(
    code: Int[np.ndarray, " rows"],
    begins: Int[np.ndarray, " segments"],
    lengths: Int[np.ndarray, " segments"],
) -> Int[np.ndarray, " segments"]:
    """The value that most steps of each segment have, -1 where most have none."""
    values = [
        np.bincount(code[first : first + length] + 1).argmax() - 1
        for first, length in zip(begins.tolist(), lengths.tolist(), strict=True)
    ]
    return np.array(values, dtype=np.int64)


def _split(
    value: Int[np.ndarray, " segments"], sequence: Int[np.ndarray, " segments"], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Segments that train and that test; whole sequences of each value are held out.

    A sequence is on one side with all of its values: the value that occurs in the fewest sequences
    is divided first.
    """
    rng = seeds.numpy_generator(seed, "sequences of a classifier")
    side: dict[int, bool] = {}
    holders = {int(one): np.unique(sequence[value == one]) for one in np.unique(value[value >= 0])}
    kept = {one: own for one, own in holders.items() if len(own) > 1}
    for _, own in sorted(kept.items(), key=lambda item: (len(item[1]), item[0])):
        order = rng.permutation(own).tolist()
        wanted = min(max(round(HELD_OUT * len(own)), 1), len(own) - 1)
        out = sum(side.get(one, False) for one in order)
        for one in order:
            if one not in side:
                side[one] = out < wanted
                out += side[one]
    usable = np.isin(value, list(kept))
    held_out = np.array([side.get(int(one), False) for one in sequence])
    known = np.array([int(one) in side for one in sequence])
    return usable & known & ~held_out, usable & known & held_out


def _tokens(store: Store, lengths: Int[np.ndarray, " segments"]) -> Any:
    """Counts of the tokens of each segment, CSR; None for a store without tokens."""
    from scipy.sparse import csr_matrix

    columns = store.steps()
    if "token" not in columns.column_names:
        return None
    _, token = np.unique(columns["token"].to_numpy(), return_inverse=True)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    counts = csr_matrix((np.ones(len(token)), token, ends))
    counts.sum_duplicates()
    return counts
