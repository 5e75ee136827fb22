"""A column as numbers: zero-copy where it can be, NaN for what is missing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sparsetime.features.arrow_numpy import to_numpy


def test_numbers_keep_their_type_and_nulls_become_nan():
    chunks = pa.chunked_array([pa.array([1, 2], pa.int32()), pa.array([3], pa.int32())])
    table = pa.table({"whole": chunks, "gaps": pa.array([0.5, None, 2.0])})
    assert to_numpy(table, "whole").dtype == np.int32
    assert to_numpy(table, "whole").tolist() == [1, 2, 3]
    np.testing.assert_array_equal(to_numpy(table, "gaps"), [0.5, np.nan, 2.0])
    assert len(to_numpy(table.slice(0, 0), "whole")) == 0
