"""Search by the words of moments and by example."""

from __future__ import annotations

import numpy as np
import pytest
from small_run import add_dictionary, prose, write_store

from sparsetime.errors import DataError
from sparsetime.explorer.workbench.search import features_of_words, similar_passages
from sparsetime.explorer.workbench.timeline import enriched_features
from sparsetime.explorer.workbench.workbench import Workbench

TEXTS = [*(prose(n, 20) for n in range(4)), "A driver sees the lighthouse (twice). " * 12]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    add_dictionary(folder, write_store(folder / "activations", TEXTS), "batch_topk")
    return Workbench(folder).opened


def test_features_of_words_are_those_that_fire_on_them(opened):
    found = features_of_words(opened, "batch_topk", "lighthouse")
    assert (found.total, found.documents, found.read) == (12, 1, 12)
    code = np.abs(opened.code("batch_topk", 4).dense().detach().numpy()) > 0
    words = opened.document("batch_topk", 4).words
    on = code[[i for i, word in enumerate(words) if word == "lighthouse"]].mean(0)
    assert {each.feature: each.share for each in found.features} == {
        each.feature: pytest.approx(on[each.feature]) for each in found.features
    }
    assert found.features[0].share > found.features[0].density
    assert [each.nats for each in found.features] == sorted(
        (each.nats for each in found.features), reverse=True
    )
    assert all(place.here.strip() == "lighthouse" for place in found.places)


def test_words_are_whole_and_not_patterns(opened):
    river = sum(text.lower().split().count("river") for text in TEXTS)
    assert features_of_words(opened, "batch_topk", "RIVER").total == river
    assert features_of_words(opened, "batch_topk", "(twice)").total == 12
    assert features_of_words(opened, "batch_topk", ".*").total == 0
    assert features_of_words(opened, "batch_topk", "the lighthouse").places[0].here.split() == [
        "the",
        "lighthouse",
    ]


def test_no_words_are_refused(opened):
    with pytest.raises(DataError, match="expected some to search for"):
        features_of_words(opened, "batch_topk", "  ")


def test_passages_like_an_example_have_its_features(opened):
    found = similar_passages(opened, "batch_topk", 4, 0, 12)
    assert found and {place.sequence for place in found[:3]} == {4}
    assert all(place.sequence != 4 or place.first >= 12 for place in found)
    assert found[0].likeness == max(place.likeness for place in found) <= 1
    example = {each.feature for each in enriched_features(opened, "batch_topk", 4, 0, 12)}
    code = opened.code("batch_topk", 4).row_slice(found[0].first, found[0].stop)
    assert example & set(code.indices.tolist())
