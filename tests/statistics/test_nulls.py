"""Null models: shuffled steps, circular shifts, and random dictionaries."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_codes import code_of

from sparsetime.errors import ConfigError
from sparsetime.metrics.temporal.sequences import in_sequences
from sparsetime.statistics import nulls


def test_shuffling_keeps_the_steps_of_every_sequence():
    rng = np.random.default_rng(0)
    dense = np.maximum(rng.normal(size=(60, 5)), 0)
    given = in_sequences(code_of(dense.tolist()), [20, 0, 40])
    mixed = nulls.shuffled_steps(given.code, given.lengths, 0).dense().numpy()
    assert not np.array_equal(mixed, given.code.dense().numpy())
    for part in (slice(0, 20), slice(20, 60)):
        want = given.code.dense().numpy()[part]
        assert np.array_equal(np.sort(mixed[part], axis=0), np.sort(want, axis=0))
        assert set(map(bytes, mixed[part])) == set(map(bytes, want))


def test_rotation_keeps_distances_around_the_end():
    place = np.array([0, 3, 8])
    turned = nulls.circular_shift(place, np.full(3, 10), np.full(3, 0.25))
    assert turned.tolist() == [2, 5, 0]


def test_a_random_dictionary_takes_the_atoms_that_fit_best():
    x = torch.randn(30, 8, generator=torch.Generator().manual_seed(1)) + 5
    code = nulls.random_code(x, 16, 3, seed=2)
    dense = (x - x.mean(0)) @ nulls.random_atoms(16, 8, 2).T
    best = dense.topk(3, dim=1)
    want = torch.zeros(30, 16).scatter(1, best.indices, best.values.clamp_min(0))
    torch.testing.assert_close(code.dense(), want)
    with pytest.raises(ConfigError, match="got active=17, expected 1 to 16, the width of"):
        nulls.random_code(x, 16, 17)
