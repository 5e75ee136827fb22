"""SHIFT: a classifier that generalises better once spurious features are ablated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, DataError


@final
@dataclass(frozen=True)
class GroupAccuracy:
    """Accuracy of a classifier: mean over rows, that of the worst group, and of every group."""

    mean: float
    worst: float
    by_group: dict[str, float]


@final
@dataclass(frozen=True)
class ShiftScores:
    """A classifier on test rows: as trained, with latents ablated, and trained again.

    ablated: the latents.
    """

    trained: GroupAccuracy
    with_ablation: GroupAccuracy
    retrained: GroupAccuracy
    ablated: tuple[int, ...]


def shift(
    dictionary: Dictionary,
    training: Float[Tensor, "rows d"],
    labels: Bool[np.ndarray, " rows"],
    test: Float[Tensor, "others d"],
    test_labels: Bool[np.ndarray, " others"],
    groups: Sequence[str],
    ablated: Sequence[int],
) -> ShiftScores:
    """Ablate latents beneath a linear classifier of activations, and train it again.

        x' = x - sum over ablated i of f_i(x) a_i

    so that the error of the dictionary is kept. dictionary: of the activations. training, test:
    rows. labels: what is classified. groups: of each test row, such as its label and a property
    that goes with it in training. ablated: numbers of latents that are judged irrelevant, as by
    reading their explanations or with `latents_of_label`.

    Source: Marks et al. 2024, Sparse Feature Circuits, arXiv:2403.19647, section 4, where features
    of all layers are ablated.

    Errors: ConfigError for a latent beyond the width; DataError for labels of one class.
    """
    if beyond := [one for one in ablated if not 0 <= one < dictionary.width]:
        raise ConfigError(f"got latent {beyond[0]} to ablate, expected 0 to {dictionary.width - 1}")
    if len(np.unique(labels)) < 2:
        raise DataError("got training labels of one class, expected rows of both")
    left, left_test = (_without(dictionary, x, ablated) for x in (training, test))
    classifier = _fitted(training, labels)
    again = _fitted(left, labels)
    return ShiftScores(
        _accuracy(classifier, test, test_labels, groups),
        _accuracy(classifier, left_test, test_labels, groups),
        _accuracy(again, left_test, test_labels, groups),
        tuple(ablated),
    )


def classifier_effects(
    dictionary: Dictionary,
    training: Float[Tensor, "rows d"],
    labels: Bool[np.ndarray, " rows"],
) -> Float[np.ndarray, " width"]:
    """What each latent adds to the difference of a linear classifier's logits between the classes.

    effect_i = w · a_i (mean of f_i over rows of the class - mean over the others)
    """
    code = dictionary.encode(training)
    mean = _class_means(code, labels)
    weights = torch.from_numpy(_fitted(training, labels).coef_[0]).float()
    atoms = dictionary.atoms.detach() * dictionary.output_normalisation.scale
    effects: Float[np.ndarray, " width"] = ((atoms @ weights) * (mean[1] - mean[0])).numpy()
    return effects


def latents_of_label(
    dictionary: Dictionary,
    x: Float[Tensor, "rows d"],
    label: Bool[np.ndarray, " rows"],
    among: Sequence[int],
    least: float = 0.3,
) -> Int[np.ndarray, " some"]:
    """Latents that go with a label which is known to be irrelevant, the most correlated first.

        |corr(f_i, label)| >= least,  over rows of any kind

    among: numbers of latents, such as those with the largest `classifier_effects`.
    """
    code = dictionary.encode(x).dense().detach().numpy()[:, list(among)]
    centred, y = code - code.mean(0), label - label.mean()
    scale = np.sqrt((centred**2).sum(0) * (y**2).sum())
    correlation = np.divide(centred.T @ y, scale, out=np.zeros(len(scale)), where=scale > 0)
    order = np.argsort(-np.abs(correlation), kind="stable")
    kept = order[np.abs(correlation[order]) >= least]
    chosen: Int[np.ndarray, " some"] = np.asarray(among, dtype=np.int64)[kept]
    return chosen


def _class_means(code: SparseCode, labels: Bool[np.ndarray, " rows"]) -> Float[Tensor, "2 width"]:
    """Mean activation of every latent over the rows of each class."""
    row_class = torch.from_numpy(labels.astype(np.int64))
    sums = torch.zeros(2 * code.width).index_add(
        0, row_class[code.row_of_entry] * code.width + code.indices, code.values.detach().float()
    )
    return sums.reshape(2, -1) / torch.bincount(row_class, minlength=2)[:, None]


def _without(sae: Dictionary, x: Float[Tensor, "rows d"], ablated: Sequence[int]) -> Tensor:
    """Rows less what the latents write."""
    if not len(ablated):
        return x
    chosen = torch.as_tensor(list(ablated))
    atoms = sae.atoms.detach()[chosen] * sae.output_normalisation.scale
    values: Tensor = sae.encode(x).dense().detach()[:, chosen]
    return x - values @ atoms


def _fitted(x: Float[Tensor, "rows d"], labels: Bool[np.ndarray, " rows"]) -> Any:
    """Logistic regression on standardised columns, with coefficients in the columns' own unit."""
    from sklearn.linear_model import LogisticRegression

    rows = x.numpy()
    mean, scale = rows.mean(0), rows.std(0) + 1e-6
    model = LogisticRegression(C=0.1, max_iter=300)
    model.fit((rows - mean) / scale, labels)
    model.intercept_ = model.intercept_ - (model.coef_ / scale) @ mean
    model.coef_ = model.coef_ / scale
    return model


def _accuracy(
    model: Any, x: Float[Tensor, "rows d"], labels: Bool[np.ndarray, " rows"], groups: Sequence[str]
) -> GroupAccuracy:
    right = model.predict(x.numpy()) == labels
    names = np.asarray(groups)
    by_group = {str(name): float(right[names == name].mean()) for name in np.unique(names)}
    return GroupAccuracy(float(right.mean()), min(by_group.values()), by_group)
