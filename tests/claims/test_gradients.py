"""Windows of what a language model reads, and the gradients that are taken there."""

import pytest
import torch
from small_store import write_store

from sparsetime.activations.sampling.model_windows import token_windows
from sparsetime.claims.lab.gradients import training_gradients
from sparsetime.claims.lab.splits import Splits
from sparsetime.errors import MismatchError
from sparsetime.testbeds import base


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    out = tmp_path_factory.mktemp("store") / "activations"
    return Splits.by_document(base.Testbed("toy", write_store(out, [3, 5, 1, 4, 6, 2, 4, 3]), ()))


def test_windows_of_a_part_stay_within_its_documents(rows):
    store = rows.train_store
    places, documents = (token_windows(store, 2, column) for column in ("position", "sequence"))
    assert len(places) == sum(int(length) // 2 for length in store.segments.lengths)
    assert torch.equal(places[:, 1], places[:, 0] + 1)
    assert torch.equal(documents[:, 0], documents[:, 1])
    assert set(documents.flatten().tolist()) <= set(store.sequence_indices.tolist())


def test_documents_shorter_than_a_window_are_left_out(rows):
    assert len(token_windows(rows.train_store, 5, "position")) == sum(
        int(length) // 5 for length in rows.train_store.segments.lengths
    )


def test_data_without_a_model_have_no_gradients(rows):
    with pytest.raises(MismatchError, match=r"'toy' has no model .* take\s+lab\.code"):
        training_gradients(rows, 1, 2)
