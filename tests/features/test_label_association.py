"""Names of features from the labels of a store."""

from __future__ import annotations

import numpy as np
import pytest
from known_codes import Itself, make_store

from sparsetime.errors import DataError
from sparsetime.features.build_index import index
from sparsetime.features.label_association import LABELS, add_label_table


def rows(active):
    return np.array([[float(f in step) for f in range(4)] for step in active])


@pytest.fixture
def labelled(tmp_path):
    """Feature 0 fires on nouns, 1 in texts by Ada, 2 everywhere, 3 on too few steps."""
    kinds = [["noun", "verb", None, "verb"] * 5, ["verb", "noun", "verb", "verb"] * 5]
    active = [
        [[2, 1] + [0] * (kind == "noun") + [3] * (at == 0) for at, kind in enumerate(kinds[0])],
        [[2] + [0] * (kind == "noun") for kind in kinds[1]],
        [[2]] * 20,
    ]
    labels = [{"author": who, "title": t} for who, t in (("Ada", 1), ("Bob", 2), ("Bob", 3))]
    steps = {"kind": [*kinds, ["verb"] * 20]}
    return make_store(tmp_path / "store", [rows(a) for a in active], labels=labels, steps=steps)


def test_features_are_named_by_the_label_value_they_fire_on(labelled, tmp_path):
    made = index(Itself(4), labelled, tmp_path / "index", progress=False)
    add_label_table(made, labelled)
    assert made.column("label_name").to_pylist() == ["noun (kind)", "Ada (author)", None, None]
    assert made.column("label_share").to_pylist() == [1, 1, None, None]
    lift = made.column("label_lift").to_pylist()
    assert lift[0] == pytest.approx(55 / 10) and lift[1] == pytest.approx(3)
    assert made.columns["label_name"].role == "name"
    add_label_table(made, labelled)
    assert list(made.tables) == [LABELS]


def test_the_store_must_hold_what_was_indexed(labelled, tmp_path):
    made = index(Itself(4), labelled, tmp_path / "index", progress=False)
    with pytest.raises(DataError, match="give the whole store"):
        add_label_table(made, labelled.where(author="Ada"))
