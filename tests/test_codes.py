"""SparseCode: what it means, and that its parts agree with the dense tensor they stand for."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sparsetime.codes import SparseCode, concatenate
from sparsetime.errors import MismatchError


@st.composite
def dense_tensors(draw):
    rows, width = draw(st.integers(0, 6)), draw(st.integers(1, 7))
    values = draw(
        st.lists(
            st.sampled_from([0.0, 0.0, 1.0, -2.5]), min_size=rows * width, max_size=rows * width
        )
    )
    return torch.tensor(values).reshape(rows, width)


@given(dense_tensors())
def test_dense_and_back(dense):
    code = SparseCode.from_dense(dense)
    assert torch.equal(code.dense(), dense)
    assert torch.equal(code.counts, (dense != 0).sum(1))
    for start, stop in zip(code.offsets, code.offsets[1:], strict=False):
        assert (code.indices[start:stop].diff() > 0).all()


@given(dense_tensors(), st.data())
def test_slices_and_parts_equal_those_of_the_dense_tensor(dense, data):
    code = SparseCode.from_dense(dense)
    rows, width = dense.shape
    start = data.draw(st.integers(0, rows))
    stop = data.draw(st.integers(start, rows))
    assert torch.equal(code.row_slice(start, stop).dense(), dense[start:stop])
    first = data.draw(st.integers(0, width))
    kept = dense.clone()
    kept[:, :first] = 0
    assert torch.equal(code.latents(first, width).dense(), kept)
    assert torch.equal(code.prefix(first).dense(), dense[:, :first])


@given(dense_tensors())
def test_joining_slices_gives_the_whole(dense):
    code = SparseCode.from_dense(dense)
    middle = dense.shape[0] // 2
    joined = concatenate([code.row_slice(0, middle), code.row_slice(middle, dense.shape[0])])
    assert torch.equal(joined.dense(), dense)


def test_leading_shape_is_kept():
    dense = torch.arange(24.0).reshape(2, 3, 4)
    code = SparseCode.from_dense(dense)
    assert code.shape == (2, 3)
    assert code.rows == 6
    assert torch.equal(code.dense(), dense)
    assert torch.equal(code.reshape(6).dense(), dense.reshape(6, 4))


def test_dense_carries_gradients_to_values():
    values = torch.tensor([1.0, 2.0], requires_grad=True)
    code = SparseCode(torch.tensor([0, 1, 2]), torch.tensor([1, 0]), values, 2, (2,))
    code.dense().mul(torch.tensor([[3.0, 4.0], [5.0, 6.0]])).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [4.0, 5.0]


def test_wrong_offsets_are_refused():
    with pytest.raises(
        MismatchError, match=r"got 2 offsets for a code of shape \(3,\), expected 4"
    ):
        SparseCode(torch.tensor([0, 1]), torch.tensor([0]), torch.tensor([1.0]), 2, (3,))


def test_rows_outside_are_refused():
    code = SparseCode.from_dense(torch.eye(3))
    with pytest.raises(MismatchError, match="got rows 1 to 5, expected a range within the 3 rows"):
        code.row_slice(1, 5)


def test_joining_widths_that_differ_is_refused():
    with pytest.raises(MismatchError, match=r"got codes of the widths \[2, 3\], expected one"):
        concatenate([SparseCode.from_dense(torch.eye(2)), SparseCode.from_dense(torch.eye(3))])
    with pytest.raises(MismatchError, match="got no codes"):
        concatenate([])
