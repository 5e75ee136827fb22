"""k-sparse probes and splits of whole sequences, on columns whose use is known."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from sparsetime.codes import SparseCode
from sparsetime.errors import ConfigError, DataError, MismatchError
from sparsetime.statistics.linear_probe import as_strings
from sparsetime.statistics.pooling import pooled
from sparsetime.statistics.sparse_probe import k_sparse_probe, sequence_split


def rows(classes=2, count=400):
    """Column 3 holds the class, column 6 holds it in three of four rows, the rest nothing."""
    rng = np.random.default_rng(0)
    label = np.arange(count) % classes
    x = (rng.random((count, 10)) < 0.3).astype(float)
    x[:, 3] = label
    wrong = np.arange(count) // classes % 4 == 0  # in every class alike
    x[:, 6] = np.where(wrong, classes - 1 - label, label)
    return csr_matrix(x), as_strings([f"class {c}" for c in label])


def test_the_columns_that_differ_most_are_read_and_no_others():
    matrix, labels = rows()
    split = sequence_split(labels, seed=0)
    result, columns = k_sparse_probe(matrix, split, 1)
    assert columns.tolist() == [3] and result.accuracy == 1 and result.auroc == 1
    assert k_sparse_probe(matrix, split, 2)[1].tolist() == [3, 6]
    without = matrix[:, [0, 1, 2, 4, 5, 6]]
    result, columns = k_sparse_probe(without, split, 1)
    assert columns.tolist() == [5]
    assert result.accuracy == pytest.approx(0.75, abs=0.08)
    # One binary column: the area is the mean of the two rates of right answers.
    assert result.auroc == pytest.approx(0.75, abs=0.08)
    assert result.interval[0] < 0.75 < result.interval[1]
    everything, columns = k_sparse_probe(matrix, split, None)
    assert everything.accuracy == 1 and len(columns) == 10


def test_the_scale_of_a_column_does_not_matter():
    matrix, labels = rows()
    split = sequence_split(labels, seed=0)
    louder = matrix.multiply(np.where(np.arange(10) == 8, 1000.0, 1.0)).tocsr()
    assert k_sparse_probe(louder, split, 2)[1].tolist() == [3, 6]


def test_three_classes_have_no_roc_curve():
    matrix, labels = rows(classes=3)
    result, columns = k_sparse_probe(matrix, sequence_split(labels, seed=0), 1)
    assert columns.tolist() == [3] and result.auroc is None and result.classes == 3


def test_a_k_out_of_range_is_refused():
    matrix, labels = rows()
    split = sequence_split(labels, seed=0)
    for k in (0, 11):
        with pytest.raises(ConfigError, match=f"got k={k}, expected 1 to 10"):
            k_sparse_probe(matrix, split, k)


def test_sequences_are_split_in_every_class_alike():
    labels = as_strings(["a"] * 40 + ["b"] * 8 + ["once"] + [None] * 5)
    split = sequence_split(labels, seed=0)
    assert np.bincount(split.train_label).tolist() == [30, 6]
    assert np.bincount(split.test_label).tolist() == [10, 2]
    assert not set(split.train) & set(split.test) and split.classes == 2
    assert sequence_split(as_strings(["a"] * 9 + ["once"]), seed=0) is None
    assert sequence_split(labels, seed=1).test.tolist() != split.test.tolist()


def test_sequences_are_pooled_to_their_mean_or_their_last_step():
    import torch

    x = torch.tensor([[0.0, 2.0], [4.0, 0.0], [0.0, 5.0], [3.0, 1.0], [0.0, 3.0]])
    lengths = np.array([2, 3])
    for given in (x, SparseCode.from_dense(x)):
        assert pooled(given, lengths).toarray().tolist() == [[2, 1], [1, 3]]
        assert pooled(given, lengths, "last").toarray().tolist() == [[4, 0], [0, 3]]
    with pytest.raises(MismatchError, match="add up to 4, expected the 5 steps"):
        pooled(x, np.array([2, 2]))
    with pytest.raises(DataError, match="sequence 1 has no steps"):
        pooled(x, np.array([2, 0, 3]))
    with pytest.raises(ConfigError, match='got pool=\'max\', expected "mean" or "last"'):
        pooled(x, lengths, "max")
