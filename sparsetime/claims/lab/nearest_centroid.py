"""What codes over time tell, and how much they change from one step to the next."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from sparsetime.activations.store.store import Store
from sparsetime.errors import DataError

#: Steps of a document that are all seen by the classifier, or all not.
SEGMENT = 32


def document_numbers(store: Store) -> Int[Tensor, " rows"]:
    """The number of every row's document."""
    lengths = torch.from_numpy(store.spans.lengths)
    return torch.arange(len(lengths)).repeat_interleave(lengths)


def class_numbers(store: Store, column: str) -> Int[Tensor, " rows"]:
    """The classes of a step column, numbered; -1 where a step has none."""
    values = store.steps([column])[column].to_pylist()
    classes = {value: number for number, value in enumerate(dict.fromkeys(values))}
    classes[None] = -1
    return torch.from_numpy(np.array([classes[value] for value in values], dtype=np.int64))


def classes_within(
    inner: Int[Tensor, " rows"], outer: Int[Tensor, " rows"]
) -> Int[Tensor, " rows"]:
    """Classes that are both: a section of one document is another than that of another one."""
    both = outer * (int(inner.max()) + 2) + inner
    return torch.where(inner < 0, -1, both.unique(return_inverse=True)[1])


def nearest_centroid_accuracy(
    code: Float[Tensor, "rows latents"], labels: Int[Tensor, " rows"]
) -> float:
    """The share of rows whose class has the mean code nearest by angle.

    Means are over every second segment of 32 rows, and rows are of the other ones. Splits without a
    class (-1), or of one that no mean has seen, do not count.

    Errors: DataError where no row counts.
    """
    unit = functional.normalize(code, dim=1)
    seen = (torch.arange(len(code)) // SEGMENT) % 2 == 0
    learnt = seen & (labels >= 0)
    count = int(labels.max()) + 1
    means = torch.zeros(count, code.shape[1]).index_add_(0, labels[learnt], unit[learnt])
    known = torch.bincount(labels[learnt], minlength=count) > 0
    asked = ~seen & (labels >= 0) & known[labels.clamp_min(0)]
    if not asked.any():
        raise DataError("no class is both in the rows that are learnt from and in the others")
    guess = (unit[asked] @ functional.normalize(means, dim=1).T).argmax(1)
    return float((guess == labels[asked]).float().mean())


def neighbour_cosine(code: Float[Tensor, "rows latents"], documents: Int[Tensor, " rows"]) -> float:
    """The mean cosine of the codes of neighbours; 0 where one has none."""
    alike = torch.cosine_similarity(code[1:], code[:-1], dim=1)
    return float(alike[documents[1:] == documents[:-1]].mean())
