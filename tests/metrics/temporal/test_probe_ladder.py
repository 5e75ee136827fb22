"""Probes up the label ladder."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_codes import Itself, code_of, make_store

from sparsetime.errors import DataError, MismatchError, UnknownNameError
from sparsetime.metrics.temporal.probe_ladder import (
    RANDOM,
    RAW,
    dictionary_probe_ladder,
    probe_ladder,
)
from sparsetime.statistics.nulls import random_code


@pytest.fixture(scope="module")
def known():
    """Four features for the kind of a step, and one for its document."""
    rng = np.random.default_rng(0)
    kind, document = rng.integers(0, 4, 6 * 200), np.repeat(np.arange(6) % 3, 200)
    fast, slow = np.eye(4)[kind], np.eye(3)[document]
    labels = {
        "kind": [f"kind {k}" for k in kind],
        "topic": [f"topic {d}" for d in document],
        "same": ["one"] * 1200,
    }
    return fast, slow, labels


def test_each_part_knows_its_label(known):
    fast, slow, labels = known
    readers = {"fast": code_of(fast.tolist()), "slow": code_of(slow.tolist())}
    found = probe_ladder(readers, labels, [200] * 6)
    assert found.accuracy("kind", "fast") == 1
    assert found.accuracy("topic", "slow") == 1
    for rung in found.probes:
        assert rung.null is None
        assert rung.interval[0] <= rung.accuracy <= rung.interval[1]
        if (rung.label, rung.reader) in (("kind", "slow"), ("topic", "fast")):
            # All three topics are equally frequent, all four kinds nearly.
            assert rung.accuracy == pytest.approx(rung.baseline, abs=0.06)
    assert found.left_out.keys() == {"same"}
    assert "has no two classes that occur both in training and in test" in found.left_out["same"]


def test_activations_and_a_random_dictionary_are_read_likewise(known):
    fast, slow, labels = known
    x = torch.from_numpy(np.concatenate([fast, slow], axis=1)).float() + 100
    readers = {RAW: x, RANDOM: random_code(x, 32, 4), "code": code_of(slow.tolist())}
    found = probe_ladder(readers, {"kind": labels["kind"]}, [200] * 6)
    assert found.accuracy("kind", RAW) == 1
    null = found.accuracy("kind", RANDOM)
    assert [rung.null for rung in found.probes] == [null] * 3
    assert null > found.accuracy("kind", "code")


def test_steps_without_a_label_have_no_say(known):
    fast, _, labels = known
    some = [k if n % 3 else None for n, k in enumerate(labels["kind"])]
    found = probe_ladder({"fast": code_of(fast.tolist())}, {"kind": some}, [200] * 6)
    assert found.probes[0].accuracy == 1
    assert found.probes[0].classes == 4


def test_a_dictionary_on_a_store(known, tmp_path):
    fast, slow, labels = known
    x = np.split(np.concatenate([slow, fast], axis=1), 6)
    kinds = [list(part) for part in np.split(np.array(labels["kind"]), 6)]
    store = make_store(
        tmp_path / "s", x, steps={"kind": kinds}, labels=[{"topic": n % 3} for n in range(6)]
    )
    sae = Itself(7, groups=(3, 7))
    found = dictionary_probe_ladder(sae, store, ["kind", "topic", "document"], progress=False)
    assert [rung.reader for rung in found.probes[:5]] == ["code", "high", "low", RAW, RANDOM]
    assert found.accuracy("topic", "high") == found.accuracy("kind", "low") == 1
    assert found.accuracy("kind", "high") < 0.4
    assert found.accuracy("document", "code") < 0.6  # two documents share each topic
    with pytest.raises(UnknownNameError, match="unknown label 'topik': did you mean 'topic'"):
        dictionary_probe_ladder(sae, store, ["topik"], progress=False)
    with pytest.raises(UnknownNameError, match="unknown probe 'kind from hig': did you mean 'kind"):
        found.accuracy("kind", "hig")


def test_what_does_not_align_is_named(known):
    fast, _, labels = known
    readers = {"fast": code_of(fast.tolist())}
    with pytest.raises(
        MismatchError, match="the label 'kind' has 1,199 entries and the code 1,200"
    ):
        probe_ladder(readers, {"kind": labels["kind"][1:]}, [200] * 6)
    with pytest.raises(MismatchError, match="'fast' has 1,200 steps and the lengths add up to 200"):
        probe_ladder(readers, labels, [200])
    with pytest.raises(MismatchError, match="times are of 2 sequences, and lengths of 6"):
        probe_ladder(readers, labels, [200] * 6, times=np.arange(2))
    with pytest.raises(
        DataError, match="got no readers, expected at least one; name a code to probe"
    ):
        probe_ladder({}, labels, [200])
