"""Nearest-centroid accuracy of codes over time, and the cosine of neighbouring codes."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from sparsetime.activations.store.store import Store
from sparsetime.errors import DataError

#: Rows of a segment, all of which are in the training half or in the test half.
SEGMENT = 32


def document_numbers(store: Store) -> Int[Tensor, " rows"]:
    """Number of each row's document."""
    lengths = store.segments.lengths
    return torch.arange(len(lengths)).repeat_interleave(lengths)


def class_numbers(store: Store, column: str) -> Int[Tensor, " rows"]:
    """Classes of a step column, numbered by first appearance; -1 where a step has none."""
    values = store.steps([column])[column].to_pylist()
    classes = {value: number for number, value in enumerate(dict.fromkeys(values))}
    classes[None] = -1
    return torch.from_numpy(np.array([classes[value] for value in values], dtype=np.int64))


def classes_within(
    inner: Int[Tensor, " rows"], outer: Int[Tensor, " rows"]
) -> Int[Tensor, " rows"]:
    """Pairs of an outer and an inner class, numbered; -1 where the inner class is -1.

    Sections, for example, of two documents become different classes.
    """
    pairs = outer * (int(inner.max()) + 2) + inner
    return torch.where(inner < 0, -1, pairs.unique(return_inverse=True)[1])


def nearest_centroid_accuracy(
    code: Float[Tensor, "rows latents"], labels: Int[Tensor, " rows"]
) -> float:
    """Share of test rows whose class has the nearest centroid.

    predicted(x) = argmax_c cos(x, mean of x / |x| over training rows of class c)

    Segments of 32 rows alternate between training and test. Rows without a class (-1), or of a
    class without training rows, are left out.

    Errors: DataError where no test row is left.
    """
    unit = functional.normalize(code, dim=1)
    in_training = (torch.arange(len(code)) // SEGMENT) % 2 == 0
    training = in_training & (labels >= 0)
    count = int(labels.max()) + 1
    sums = torch.zeros(count, code.shape[1]).index_add_(0, labels[training], unit[training])
    has_centroid = torch.bincount(labels[training], minlength=count) > 0
    test = ~in_training & (labels >= 0) & has_centroid[labels.clamp_min(0)]
    if not test.any():
        raise DataError(
            "got no class with rows in both halves, expected one at least; give more rows"
        )
    predicted = (unit[test] @ functional.normalize(sums, dim=1).T).argmax(1)
    return float((predicted == labels[test]).float().mean())


def neighbour_cosine(code: Float[Tensor, "rows latents"], documents: Int[Tensor, " rows"]) -> float:
    """Mean cosine of the codes of neighbouring rows of a document; 0 where a code is zero."""
    cosine = torch.cosine_similarity(code[1:], code[:-1], dim=1)
    return float(cosine[documents[1:] == documents[:-1]].mean())
